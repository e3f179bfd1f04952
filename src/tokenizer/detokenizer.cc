#include "tokenizer/detokenizer.h"

namespace spate {

Detokenizer::Detokenizer(const Tokenizer& tokenizer, const DetokenizerOptions& options)
    : tokenizer_(&tokenizer),
      skip_special_(options.skip_special),
      stream_(tokenizer.MakeDecodeStream(options.continues)) {}

std::string Detokenizer::Push(int32_t id) {
  std::string text;
  if (id < 0 || id >= tokenizer_->vocab_size()) return text;
  if (const auto input = tokenizer_->DecoderInput(id, skip_special_, &buffer_)) stream_.Push(*input, &text);
  return text;
}

std::string Detokenizer::Flush() {
  std::string text;
  stream_.Finish(&text);
  return text;
}

}  // namespace spate
