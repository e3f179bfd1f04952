#include "term/chat_file.h"

#include <cstdlib>
#include <filesystem>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/mmap_file.h"
#include "base/utf8.h"
#include "engine/sampling_names.h"

namespace spate {
namespace {

constexpr size_t kMaxFileBytes = size_t{64} << 20;
constexpr std::string_view kFormat = "spate-chat";
constexpr size_t kShownPath = 200;

void ReadMessages(const nlohmann::json& messages, ChatSession& session, std::string_view what) {
  for (size_t i = 0; i < messages.size(); ++i) {
    const std::string where = fmt::format("{}: messages[{}]", what, i);
    const nlohmann::json& message = messages[i];
    if (!message.is_object())
      throw Error(ErrorCode::kBadInput, "{}: expected an object, got {}", where, DescribeJson(message));
    const std::string role = GetString(message, "role", std::nullopt, where);
    const std::string content = GetString(message, "content", std::nullopt, where);
    if (i == 0 && role == "system") {
      session.SetSystem(content);
      continue;
    }
    const std::string_view expected = session.waiting() ? "assistant" : "user";
    if (role != expected) {
      throw Error(ErrorCode::kBadInput,
                  "{}: expected role \"{}\" (a system message first, then user and assistant in turn), got \"{}\"",
                  where, expected, OneLine(role, 40));
    }
    if (session.waiting()) {
      session.Answer(content, GetBool(message, "partial", false, where));
    } else {
      session.Ask(content);
    }
  }
}

void ReadSettings(const nlohmann::json& settings, SamplingParams& params, int vocab, std::string_view what) {
  for (const auto& [name, value] : settings.items()) {
    const bool plain = value.is_string() && name != "stop";
    try {
      SetSampling(params, name, plain ? value.get<std::string>() : value.dump(), vocab);
    } catch (const Error& error) {
      throw Error(ErrorCode::kBadInput, "{}: settings: {}", what, error.what());
    }
  }
}

}  // namespace

std::string FormatChat(const ChatSession& session, const SamplingParams& params) {
  using Json = nlohmann::ordered_json;
  Json messages = Json::array();
  if (!session.system().empty()) messages.push_back({{"role", "system"}, {"content", session.system()}});
  for (const Exchange& exchange : session.exchanges()) {
    messages.push_back({{"role", "user"}, {"content", exchange.user}});
    if (!exchange.answer) continue;
    messages.push_back({{"role", "assistant"}, {"content", *exchange.answer}});
    if (exchange.partial) messages.back()["partial"] = true;
  }
  Json settings = Json::object();
  for (const SamplingName& setting : SamplingNames())
    settings[std::string(setting.name)] = Json::parse(setting.get(params).dump());
  const Json file = {
      {"format", kFormat}, {"version", 1}, {"messages", std::move(messages)}, {"settings", std::move(settings)}};
  return file.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

SavedChat ParseChat(std::string_view text, std::string_view what, const SamplingParams& params, int vocab) {
  const nlohmann::json file = ParseJson(text, {.max_bytes = kMaxFileBytes}, what);
  SavedChat chat{.session = {}, .params = params};
  if (file.is_array()) {
    ReadMessages(file, chat.session, what);
    return chat;
  }
  const std::string format = GetString(file, "format", std::string(kFormat), what);
  if (format != kFormat)
    throw Error(ErrorCode::kBadInput, "{}: format: expected \"{}\", got \"{}\"", what, kFormat, OneLine(format, 40));
  GetInt(file, "version", 1, 1, 1, what);
  const nlohmann::json* messages = FindArray(file, "messages", what);
  if (messages == nullptr) throw Error(ErrorCode::kBadInput, "{}: messages: expected an array, got none", what);
  ReadMessages(*messages, chat.session, what);
  if (const nlohmann::json* settings = FindObject(file, "settings", what))
    ReadSettings(*settings, chat.params, vocab, what);
  return chat;
}

SavedChat LoadChat(const std::string& path, const SamplingParams& params, int vocab) {
  return ParseChat(ReadTextFile(path, kMaxFileBytes), OneLine(path, kShownPath), params, vocab);
}

void SaveChat(const std::string& path, const SavedChat& chat, bool over) {
  std::error_code ignored;
  if (!over && std::filesystem::symlink_status(path, ignored).type() != std::filesystem::file_type::not_found)
    throw Error(ErrorCode::kUsage, "{}: there is something already; choose another name, or /save! to replace it",
                OneLine(path, kShownPath));
  WriteFileAtomically(path, FormatChat(chat.session, chat.params));
}

std::string ExpandHome(const std::string& path) {
  const char* home = std::getenv("HOME");
  return home != nullptr && path.starts_with("~/") ? std::string(home) + path.substr(1) : path;
}

}  // namespace spate
