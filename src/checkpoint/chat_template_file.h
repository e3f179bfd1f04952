// The chat template that a model's folder brings, and the special tokens that templates speak of. Nothing is guessed:
// a folder without a template has none. Pure functions; files are only read.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace spate {

inline constexpr size_t kMaxTemplateBytes = size_t{1} << 20;
inline constexpr size_t kMaxTemplates = 100;

struct ChatTemplateFile {
  std::string source;
  std::string name;  // the file, and the template's name where the file holds several
};

using ChatTemplates = std::map<std::string, ChatTemplateFile>;  // by name

// "tool_use" when tools are given and there is one of that name, else "default"; nothing when there is none at all.
// Throws Error(kBadInput), which says that they are of `where`, when there are only others.
std::optional<ChatTemplateFile> ChooseChatTemplate(const ChatTemplates& templates, bool with_tools,
                                                   const std::string& where);

// In this order, as Hugging Face reads them: chat_template.jinja with additional_chat_templates/*.jinja, and
// `chat_template` of chat_template.json and tokenizer_config.json, which is one template or a list of named ones.
// Of several the one that ChooseChatTemplate takes. Nothing when there is none. Throws Error(kBadInput) for a file that
// cannot be understood.
std::optional<ChatTemplateFile> FindChatTemplate(const std::filesystem::path& folder, bool with_tools);

// bos_token, eos_token, ... by name, of special_tokens_map.json and tokenizer_config.json; the latter wins.
// Throws Error(kBadInput) for files that cannot be understood.
std::map<std::string, std::string> ReadSpecialTokens(const std::filesystem::path& folder);

}  // namespace spate
