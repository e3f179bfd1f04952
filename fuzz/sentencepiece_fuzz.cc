// The SentencePiece reader on hostile bytes, through the function that every load uses. What is accepted must then
// encode and decode without harm, and stream what it decodes at once.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "checkpoint/sentencepiece_model.h"
#include "tokenizer/detokenizer.h"
#include "tokenizer/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  try {
    const spate::Tokenizer tokenizer(spate::ParseSentencePieceModel(input, "fuzz"));
    const std::vector<int32_t> ids = tokenizer.Encode("It's 12  \u00e9\U0001F642\n<s> a\u2581b aaaa \uFB01", {});
    spate::Detokenizer detokenizer(tokenizer, {.skip_special = false});
    std::string streamed;
    for (const int32_t id : ids) streamed += detokenizer.Push(id);
    if (streamed + detokenizer.Flush() != tokenizer.Decode(ids, false)) std::abort();
  } catch (const spate::Error&) {
  }
  return 0;
}
