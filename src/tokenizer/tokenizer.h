// Text to token ids and back, exactly as Hugging Face tokenizers does it for the same vocabulary. Immutable and
// thread-safe after construction; every call works on its own buffers.
//
//   Tokenizer tokenizer(ReadTokenizer(model_folder));
//   std::vector<int32_t> ids = tokenizer.Encode("Once upon a time");
//   std::string text = tokenizer.Decode(ids, /*skip_special=*/true);
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/vocabulary.h"

namespace spate {

class DecodeStream;

struct EncodeOptions {
  bool add_special = true;    // what the post-processor adds: BOS, EOS
  bool parse_special = true;  // false: special tokens in the text are text like any other
};

class Tokenizer {
 public:
  // Throws Error(kBadInput) if ids, merges or steps of the vocabulary do not fit together.
  explicit Tokenizer(Vocabulary vocabulary);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  // Throws Error(kBadInput) if the text is not valid UTF-8, naming the byte.
  std::vector<int32_t> Encode(std::string_view text, const EncodeOptions& options = {}) const;

  // Throws Error(kBadInput) for an id outside [0, vocab_size). Ids without a token stand for no text.
  std::string Decode(std::span<const int32_t> ids, bool skip_special) const;

  int vocab_size() const;  // highest id + 1; a model's embedding may be padded beyond it
  // A token as it stands in the vocabulary, for byte-level ones its bytes; empty for ids without a token.
  std::string_view TokenText(int32_t id) const;
  bool IsSpecial(int32_t id) const;

  std::optional<int32_t> bos() const;
  std::span<const int32_t> eos() const;  // ids that end a generation
  bool IsEos(int32_t id) const;
  std::optional<int32_t> pad() const;
  std::optional<int32_t> TokenId(std::string_view text) const;  // of an added token, or of the model's, by its text
  std::string_view kind() const;                                // "byte-level BPE", ...

 private:
  friend class Detokenizer;
  DecodeStream MakeDecodeStream(bool continues) const;
  // What the decoder is given for this id, in *buffer if it has to be made; nullopt: nothing at all.
  std::optional<std::string_view> DecoderInput(int32_t id, bool skip_special, std::string* buffer) const;

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spate
