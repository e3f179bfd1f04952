// The decoder steps of a Vocabulary as a stream: token texts go in one by one, text comes out as soon as no later token
// can change it. What came out, with what Finish adds, is what decoding all tokens at once gives. A DecodeStream
// belongs to one thread and one sequence.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tokenizer/regex.h"
#include "tokenizer/vocabulary.h"

namespace spate {

class DecodeStream {
 public:
  // `continues`: the tokens follow others whose text is known; nothing is taken off at the start, as it would be from
  // the first token of a text. Throws Error for an order of steps that is not supported.
  DecodeStream(const std::vector<DecoderStep>& steps, bool join_with_spaces, bool continues);

  // Appends to *out. `token` is bytes if the first step is ByteLevel (see TakesBytes), else UTF-8 text.
  void Push(std::string_view token, std::string* out);
  void Finish(std::string* out);

  static bool TakesBytes(const std::vector<DecoderStep>& steps) {
    return !steps.empty() && std::holds_alternative<DecodeByteLevel>(steps.front());
  }

 private:
  struct Step {
    DecoderStep step;
    bool fused = false;            // gets one text in pieces, not tokens
    bool first = true;             // no token seen yet; SentencePiece: the space at the start may still be taken off
    bool any_text = false;         // SentencePiece: there is text
    bool holds = false;            // Bpe: `held` is the last token, which may be empty
    std::shared_ptr<Regex> regex;  // Replace
    size_t start_left = 0;         // Strip: what may still be taken off at the start
    std::string held;              // bytes that a later token may change
  };
  void Feed(size_t at, std::string_view text, std::string* out);
  void FeedBytes(size_t at, std::string_view bytes, std::string* out);
  void FeedReplace(size_t at, std::string_view text, std::string* out);
  void FeedFallback(size_t at, std::string_view text, std::string* out);
  void FeedStrip(size_t at, std::string_view text, std::string* out);
  void FeedMetaspace(size_t at, std::string_view text, std::string* out);
  void FeedBpe(size_t at, std::string_view text, std::string* out);
  void FeedWordPiece(size_t at, std::string_view text, std::string* out);
  void FeedSentencePiece(size_t at, std::string_view text, std::string* out);
  void EndFallback(size_t at, std::string* out);
  void EndBpe(size_t at, std::string* out);
  void DecodeBytes(size_t at, bool is_end, std::string* out);

  std::vector<Step> steps_;
  bool join_with_spaces_;
  bool joined_any_;
};

}  // namespace spate
