// xLLM's tokenizer file from hostile bytes: what is accepted has an id for each byte, whatever else it holds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "checkpoint/xllm_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const spate::Vocabulary vocabulary = spate::ParseXllmTokenizer({reinterpret_cast<const char*>(data), size}, "fuzz");
    if (vocabulary.tokens.size() < 256 || !vocabulary.byte_fallback) std::abort();
  } catch (const spate::Error&) {
  }
  return 0;
}
