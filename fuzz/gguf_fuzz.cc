// GGUF files from hostile bytes, through the functions that every load uses: metadata and tensors, of which every byte
// is read, so that a view outside the file is found; then the config, the tokenizer, which must encode and decode
// without harm what it was made of, and the chat template.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "checkpoint/gguf.h"
#include "checkpoint/gguf_chat_template.h"
#include "checkpoint/gguf_config.h"
#include "checkpoint/gguf_tokenizer.h"
#include "tokenizer/tokenizer.h"

namespace {

// Calls `use`; a refusal is no finding.
template <typename Use>
void Try(Use use) {
  try {
    use();
  } catch (const spate::Error&) {
  }
}

void Touch(const spate::GgufFile& file) {
  size_t sum = 0;
  for (const auto& [key, value] : file.metadata.values()) {
    sum += value.Describe().size();
    for (const std::byte b : value.bytes) sum += std::to_integer<size_t>(b);
    if (!value.is_list || value.type != spate::GgufType::kString) continue;
    const std::optional<spate::GgufStrings> strings = file.metadata.FindStrings(key);
    for (const std::string_view text : *strings) sum += text.size();
  }
  for (const auto& [name, view] : spate::TensorsOf(file)) {
    for (const std::byte b : view.bytes) sum += std::to_integer<size_t>(b);
  }
  [[maybe_unused]] volatile size_t keep = sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Try([&] {
    const spate::GgufFile file = spate::ParseGguf({reinterpret_cast<const std::byte*>(data), size}, "fuzz");
    Try([&] { Touch(file); });
    Try([&] { spate::GgufConfig(file); });
    Try([&] { spate::FindChatTemplate(file, true); });
    Try([&] { spate::ReadSpecialTokens(file); });
    const spate::Tokenizer tokenizer(spate::ReadGgufTokenizer(file));
    const std::vector<int32_t> ids = tokenizer.Encode("It's 12  \u00e9\U0001F642\n<s> a\u2581b hello", {});
    tokenizer.Decode(ids, false);
  });
  return 0;
}
