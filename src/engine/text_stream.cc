#include "engine/text_stream.h"

namespace spate {

TextStream::TextStream(const Tokenizer& tokenizer, const std::vector<std::string>& stop)
    : detokenizer_(tokenizer, {.skip_special = true, .continues = true}), stops_(stop) {}

bool TextStream::Push(int32_t id, std::string& out) { return stops_.Push(detokenizer_.Push(id), out); }

bool TextStream::Finish(std::string& out) {
  if (stops_.Push(detokenizer_.Flush(), out)) return true;
  stops_.Flush(out);
  return false;
}

}  // namespace spate
