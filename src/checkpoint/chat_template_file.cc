#include "checkpoint/chat_template_file.h"

#include <string_view>
#include <system_error>

#include "base/error.h"
#include "base/json.h"
#include "base/mmap_file.h"
#include "base/utf8.h"
#include "checkpoint/gguf_chat_template.h"
#include "checkpoint/gguf_split.h"
#include "checkpoint/model_path.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

bool Exists(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

ChatTemplateFile ReadTemplate(const fs::path& path) {
  return {ReadTextFile(path.string(), kMaxTemplateBytes), path.filename().string()};
}

ChatTemplates TemplateFiles(const fs::path& folder) {
  ChatTemplates found;
  if (const fs::path file = folder / "chat_template.jinja"; Exists(file)) found["default"] = ReadTemplate(file);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder / "additional_chat_templates", ignored)) {
    if (entry.path().extension() != ".jinja") continue;
    if (found.size() >= kMaxTemplates) {
      throw Error(ErrorCode::kBadInput, "{}: more than {} templates", entry.path().parent_path().string(),
                  kMaxTemplates);
    }
    found[entry.path().stem().string()] = ReadTemplate(entry.path());
  }
  return found;
}

// `chat_template` of a JSON file: a string, or a list of {"name": ..., "template": ...}.
ChatTemplates TemplatesOf(const fs::path& path) {
  ChatTemplates found;
  if (!Exists(path)) return found;
  const std::string what = path.string(), file = path.filename().string();
  const nlohmann::json json = ReadJsonFile(what, {});
  const nlohmann::json* field = FindField(json, "chat_template", what);
  if (field == nullptr) return found;
  if (field->is_string()) {
    found["default"] = {field->get<std::string>(), file};
    return found;
  }
  if (!field->is_array() || field->size() > kMaxTemplates) {
    throw Error(ErrorCode::kBadInput, "{}: chat_template: expected a string or a list of at most {} templates, got {}",
                what, kMaxTemplates, DescribeJson(*field));
  }
  for (const nlohmann::json& item : *field) {
    const std::string name = GetString(item, "name", std::nullopt, what);
    found[name] = {GetString(item, "template", std::nullopt, what), file + " (" + OneLine(name, 60) + ")"};
  }
  return found;
}

// A token is a string, or an object that has it as `content`.
std::optional<std::string> TokenText(const nlohmann::json& token) {
  if (token.is_string()) return token.get<std::string>();
  if (!token.is_object()) return std::nullopt;
  const auto content = token.find("content");
  if (content == token.end() || !content->is_string()) return std::nullopt;
  return content->get<std::string>();
}

}  // namespace

std::optional<ChatTemplateFile> ChooseChatTemplate(const ChatTemplates& templates, bool with_tools,
                                                   const std::string& where) {
  if (templates.empty()) return std::nullopt;
  if (const auto tools = templates.find("tool_use"); with_tools && tools != templates.end()) return tools->second;
  if (const auto usual = templates.find("default"); usual != templates.end()) return usual->second;
  std::string names;
  for (const auto& [name, unused] : templates) names += (names.empty() ? "" : ", ") + OneLine(name, 60);
  throw Error(ErrorCode::kBadInput, "{}: no chat template is named \"default\"; there are: {}", where, names);
}

std::optional<ChatTemplateFile> FindChatTemplate(const fs::path& folder, bool with_tools) {
  if (const auto gguf = FindGguf(folder)) return FindChatTemplate(OpenGguf(*gguf).file, with_tools);
  ChatTemplates templates = TemplateFiles(folder);
  for (const char* file : {"chat_template.json", "tokenizer_config.json"}) {
    if (templates.empty()) templates = TemplatesOf(folder / file);
  }
  return ChooseChatTemplate(templates, with_tools, folder.string());
}

std::map<std::string, std::string> ReadSpecialTokens(const fs::path& folder) {
  if (const auto gguf = FindGguf(folder)) return ReadSpecialTokens(OpenGguf(*gguf).file);
  std::map<std::string, std::string> tokens;
  for (const char* file : {"special_tokens_map.json", "tokenizer_config.json"}) {
    const fs::path path = folder / file;
    if (!Exists(path)) continue;
    const nlohmann::json json = ReadJsonFile(path.string(), {});
    if (!json.is_object()) {
      throw Error(ErrorCode::kBadInput, "{}: expected an object, got {}", path.string(), DescribeJson(json));
    }
    for (const auto& [name, token] : json.items()) {
      if (!name.ends_with("_token")) continue;
      if (const auto text = TokenText(token)) tokens[name] = *text;
    }
  }
  return tokens;
}

}  // namespace spate
