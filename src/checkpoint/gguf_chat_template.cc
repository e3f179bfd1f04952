#include "checkpoint/gguf_chat_template.h"

#include "base/utf8.h"
#include "checkpoint/gguf_tokens.h"

namespace spate {

std::optional<ChatTemplateFile> FindChatTemplate(const GgufFile& file, bool with_tools) {
  constexpr std::string_view kKey = "tokenizer.chat_template", kVariant = "tokenizer.chat_template.";
  const GgufMetadata& metadata = file.metadata;
  ChatTemplates found;
  for (const auto& [key, value] : metadata.values()) {
    const bool variant = key.starts_with(kVariant) && key.size() > kVariant.size();
    if (key != kKey && !variant) continue;
    const std::string_view source = metadata.GetString(key, std::nullopt);
    if (source.size() > kMaxTemplateBytes) {
      metadata.Fail(key, fmt::format("{} bytes, a template may have {}", source.size(), kMaxTemplateBytes));
    }
    if (found.size() == kMaxTemplates) metadata.Fail(key, fmt::format("more than {} templates", kMaxTemplates));
    const std::string_view name = variant ? key.substr(kVariant.size()) : "default";
    if (variant && name == "default" && metadata.Find(kKey) != nullptr) continue;
    found[std::string(name)] = {std::string(source), OneLine(key, 80)};
  }
  return ChooseChatTemplate(found, with_tools, file.what());
}

std::map<std::string, std::string> ReadSpecialTokens(const GgufFile& file) {
  std::map<std::string, std::string> tokens;
  const std::optional<GgufStrings> texts = file.metadata.FindStrings("tokenizer.ggml.tokens");
  if (!texts) return tokens;
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"bos_token", "bos"},       {"eos_token", "eos"},     {"unk_token", "unknown"},
      {"sep_token", "seperator"}, {"pad_token", "padding"}, {"mask_token", "mask"},
  };
  const bool llama = file.metadata.GetString("tokenizer.ggml.model", "") == "llama";
  for (const auto& [name, key] : kNames) {
    const int32_t fallback = !llama ? -1 : key == "bos" ? 1 : key == "eos" ? 2 : key == "unknown" ? 0 : -1;
    const int32_t id = ReadTokenId(file.metadata, key, texts->size(), fallback);
    if (id < 0) continue;
    auto it = texts->begin();
    for (int32_t i = 0; i < id; ++i) ++it;
    tokens[std::string(name)] = ReplaceInvalidUtf8(*it);
  }
  return tokens;
}

}  // namespace spate
