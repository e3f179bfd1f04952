#include "app/chat_template_flag.h"

#include <map>

#include "base/error.h"
#include "base/json.h"
#include "base/mmap_file.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxTemplateBytes = size_t{4} << 20;
constexpr std::string_view kHelp = "try --template NAME|FILE, or `spate run` for completions";

struct Source {
  std::string name;
  std::string text;
};

nlohmann::json TokenizerConfig(const fs::path& folder) {
  const fs::path file = folder / "tokenizer_config.json";
  return fs::exists(file) ? ReadJsonFile(file.string(), {}) : nlohmann::json::object();
}

// "bos_token": "<s>", or {"content": "<s>", ...}
std::map<std::string, std::string> SpecialTokens(const nlohmann::json& config) {
  std::map<std::string, std::string> tokens;
  for (const char* name : {"bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token"}) {
    const auto found = config.find(name);
    if (found == config.end()) continue;
    const nlohmann::json& value = found->is_object() ? found->value("content", nlohmann::json()) : *found;
    if (value.is_string()) tokens[name] = value.get<std::string>();
  }
  return tokens;
}

Source OwnTemplate(const fs::path& folder, const nlohmann::json& config) {
  const fs::path file = folder / "chat_template.jinja";
  if (fs::exists(file)) return {file.string(), ReadTextFile(file.string(), kMaxTemplateBytes)};
  const std::string where = (folder / "tokenizer_config.json").string();
  const nlohmann::json field = config.value("chat_template", nlohmann::json());
  if (field.is_string()) return {where, field.get<std::string>()};
  // A list of {"name": ..., "template": ...}.
  for (const nlohmann::json& entry : field) {
    if (entry.is_object() && entry.value("name", "") == "default")
      return {where, GetString(entry, "template", {}, where)};
  }
  throw Error(ErrorCode::kBadInput, "{}: the model brings no chat template; {}", folder.string(), kHelp);
}

}  // namespace

std::unique_ptr<ChatTemplate> ChooseChatTemplate(const std::string& flag, const fs::path& folder) {
  const nlohmann::json config = TokenizerConfig(folder);
  const Source source =
      flag.empty() ? OwnTemplate(folder, config) : Source{flag, ReadTextFile(flag, kMaxTemplateBytes)};
  try {
    return std::make_unique<ChatTemplate>(source.text, source.name, SpecialTokens(config));
  } catch (const Error& error) {
    throw Error(ErrorCode::kBadInput, "{}; {}", error.what(), kHelp);
  }
}

}  // namespace spate
