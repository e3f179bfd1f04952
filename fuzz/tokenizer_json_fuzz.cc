// The tokenizer.json reader on hostile bytes, through the function that every load uses. Input: tokenizer.json, then
// perhaps a NUL and tokenizer_config.json. What is accepted must then encode and decode without harm.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "checkpoint/tokenizer_json.h"
#include "tokenizer/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t nul = input.find('\0');
  const std::string_view config = nul == std::string_view::npos ? std::string_view() : input.substr(nul + 1);
  try {
    const spate::Tokenizer tokenizer(spate::ParseTokenizerJson(input.substr(0, nul), config, "fuzz"));
    const std::vector<int32_t> ids = tokenizer.Encode("It's 12  \u00e9\U0001F642\n<s> a\u2581b aaaa", {});
    tokenizer.Decode(ids, false);
  } catch (const spate::Error&) {
  }
  return 0;
}
