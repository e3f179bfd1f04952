// The tiktoken reader on hostile bytes, through the function that every load uses. A file needs all 256 bytes, so
// inputs that begin with '+' stand behind lines that have them. What is accepted must encode and decode any text to
// itself.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "checkpoint/tiktoken_model.h"
#include "tokenizer/tokenizer.h"

namespace {

std::string AllBytes() {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string lines;
  for (size_t byte = 0; byte < 256; ++byte) {
    lines += kAlphabet[byte >> 2];
    lines += kAlphabet[(byte & 3) << 4];
    lines += "== " + std::to_string(byte) + "\n";
  }
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string bytes = AllBytes();
  std::string input(reinterpret_cast<const char*>(data), size);
  if (input.starts_with('+')) input = bytes + input.substr(1);
  try {
    spate::Vocabulary vocabulary = spate::ParseTiktokenModel(input, "fuzz");
    spate::AddLlama3SpecialTokens(&vocabulary);
    const spate::Tokenizer tokenizer(std::move(vocabulary));
    constexpr std::string_view kText = "It's 12  \u00e9\U0001F642\n a\u2581b aaaa the there";
    const std::vector<int32_t> ids = tokenizer.Encode(kText, {.add_special = false});
    if (tokenizer.Decode(ids, false) != kText) std::abort();
  } catch (const spate::Error&) {
  }
  return 0;
}
