// Ids to text while they are generated: Push gives the text that is certain by now, only whole UTF-8 characters, and
// all that Push and Flush gave together is what Decode gives for the whole sequence. One sequence, one thread; the
// tokenizer must outlive it.
//
// What it holds back, and no more: bytes of an unfinished character; for models with byte fallback, a run of byte
// tokens until another token ends it (one invalid byte makes U+FFFD of the whole run); for decoders that strip the end
// of the text, what would be stripped.
#pragma once

#include <cstdint>
#include <string>

#include "tokenizer/decoder.h"
#include "tokenizer/tokenizer.h"

namespace spate {

struct DetokenizerOptions {
  bool skip_special = true;
  // The ids follow a prompt: the first keeps its leading space, which at the start of a text some decoders take off.
  bool continues = false;
};

class Detokenizer {
 public:
  explicit Detokenizer(const Tokenizer& tokenizer, const DetokenizerOptions& options = {});

  std::string Push(int32_t id);  // ids without a token, or beyond the vocabulary, give nothing
  std::string Flush();           // what was held back; the sequence has ended

 private:
  const Tokenizer* tokenizer_;
  bool skip_special_;
  DecodeStream stream_;
  std::string buffer_;
};

}  // namespace spate
