#include "app/tokenize_chat.h"

#include <fmt/ranges.h>

#include <iostream>
#include <iterator>
#include <map>

#include "app/chat_template_flag.h"
#include "base/error.h"
#include "base/mmap_file.h"
#include "base/ordered_json.h"
#include "checkpoint/chat_template_file.h"
#include "tokenizer/builtin_templates.h"
#include "tokenizer/chat_template.h"

namespace spate {
namespace {

constexpr JsonLimits kLimits{.max_bytes = size_t{32} << 20, .max_values = size_t{1} << 20};

nlohmann::ordered_json ReadJson(const std::string& path) {
  if (path != "-") return ParseOrderedJson(ReadTextFile(path, kLimits.max_bytes), kLimits, path);
  return ParseOrderedJson(std::string(std::istreambuf_iterator<char>(std::cin), {}), kLimits, "standard input");
}

// A list of messages, or an object with `messages` and perhaps the request's other parts. Anything else in the object
// is a variable of the template.
ChatRequest ReadRequest(const std::string& path) {
  ChatRequest request;
  nlohmann::ordered_json json = ReadJson(path);
  if (json.is_array()) {
    request.messages = std::move(json);
    return request;
  }
  if (!json.is_object() || !json.contains("messages")) {
    throw Error(ErrorCode::kBadInput, "{}: expected a list of messages, or an object with \"messages\"", path);
  }
  for (const auto& [key, value] : json.items()) {
    if (key == "messages") {
      request.messages = value;
    } else if (key == "tools") {
      request.tools = value;
    } else if (key == "documents") {
      request.documents = value;
    } else if (key == "add_generation_prompt") {
      if (!value.is_boolean())
        throw Error(ErrorCode::kBadInput, "{}: add_generation_prompt: expected true or false", path);
      request.add_generation_prompt = value.get<bool>();
    } else {
      request.variables[key] = value;
    }
  }
  return request;
}

}  // namespace

void ChatFlags::AddTo(CLI::App& command) {
  CLI::Option* chat =
      command.add_option("--chat", messages_, "JSON file of messages to print as a prompt; - = standard input");
  command.add_option("--tools", tools_, "with --chat: JSON file of tools")->needs(chat);
  command.add_option("--template", template_, "with --chat: template file or name, instead of the model's")
      ->needs(chat);
  command.add_option("--bos", bos_, "with --chat: the template's bos_token")->needs(chat);
  command.add_option("--eos", eos_, "with --chat: the template's eos_token")->needs(chat);
  command.add_option("--now", now_, "with --chat: the time that the template sees")->needs(chat);
  command.add_flag("--no-generation-prompt", no_generation_prompt_, "with --chat: end with the last message")
      ->needs(chat);
}

std::string ChatFlags::Render(const std::filesystem::path& model) const {
  ChatRequest request = ReadRequest(messages_);
  if (!tools_.empty()) request.tools = ReadJson(tools_);
  if (no_generation_prompt_) request.add_generation_prompt = false;
  request.now = now_;
  std::map<std::string, std::string> tokens;
  if (!model.empty()) tokens = ReadSpecialTokens(model);
  if (bos_) tokens["bos_token"] = *bos_;
  if (eos_) tokens["eos_token"] = *eos_;
  if (!template_.empty()) return OpenTemplate(template_, std::move(tokens)).Render(request);
  const auto file = FindChatTemplate(model, !request.tools.is_null());
  if (!file) {
    throw Error(ErrorCode::kBadInput, "{}: no chat template in the folder; try --template FILE or one of: {}",
                model.string(), fmt::join(BuiltinTemplateNames(), ", "));
  }
  return ChatTemplate(file->source, file->name, std::move(tokens)).Render(request);
}

}  // namespace spate
