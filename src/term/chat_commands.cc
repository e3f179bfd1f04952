#include "term/chat_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "engine/sampling_names.h"

namespace spate {
namespace {

constexpr size_t kShownName = 40;
constexpr std::string_view kSpace = " \t\r\n";

using C = ChatCommand;
constexpr std::array kCommands = {
    ChatCommandInfo{C::kHelp, "/help", "", false, false, "this list"},
    ChatCommandInfo{C::kSystem, "/system", "[TEXT|off]", false, true, "set the system message; alone: show it"},
    ChatCommandInfo{C::kReset, "/reset", "", false, false, "forget the conversation; the system message stays"},
    ChatCommandInfo{C::kUndo, "/undo", "", false, false, "take back the last message and its answer"},
    ChatCommandInfo{C::kRetry, "/retry", "", false, false, "answer the last message again, differently"},
    ChatCommandInfo{C::kSave, "/save", "FILE", true, true, "write messages and settings; never over another file"},
    ChatCommandInfo{C::kSaveOver, "/save!", "FILE", true, true, "the same, over whatever is there"},
    ChatCommandInfo{C::kLoad, "/load", "FILE", true, true, "go on with a saved conversation and its settings"},
    ChatCommandInfo{C::kSet, "/set", "[NAME VALUE]", false, true, "change a setting; alone: list them"},
    ChatCommandInfo{C::kStats, "/stats", "", false, false, "tokens in the context, and speed"},
    ChatCommandInfo{C::kTemplate, "/template", "", false, false, "which chat template is in use"},
    ChatCommandInfo{C::kExit, "/exit", "", false, false, "leave (also Ctrl-D)"},
};

}  // namespace

std::string_view TrimSpace(std::string_view text) {
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::span<const ChatCommandInfo> ChatCommands() { return kCommands; }

bool IsCommand(std::string_view line) {
  return line.size() > 1 && line[0] == '/' && line[1] != '/' && kSpace.find(line[1]) == std::string_view::npos;
}

ParsedCommand ParseCommand(std::string_view line) {
  const size_t end = std::min(line.find_first_of(kSpace), line.size());
  const std::string_view name = line.substr(0, end);
  const std::string_view argument = TrimSpace(line.substr(end));
  for (const ChatCommandInfo& info : kCommands) {
    if (info.name != name && !(info.command == C::kExit && name == "/quit")) continue;
    if (info.needs_argument && argument.empty())
      throw Error(ErrorCode::kUsage, "{}: expected {} {}", info.name, info.name, info.argument);
    if (!info.takes_argument && !argument.empty())
      throw Error(ErrorCode::kUsage, "{}: expected nothing behind it, got \"{}\"", info.name,
                  OneLine(argument, kShownName));
    return {info.command, std::string(argument)};
  }
  std::vector<std::string> names;
  for (const ChatCommandInfo& info : kCommands) names.emplace_back(info.name);
  const std::string nearest = Nearest(name, names);
  throw Error(ErrorCode::kUsage, "unknown command {}{}; /help lists them, // begins a message with a slash",
              OneLine(name, kShownName), nearest.empty() ? "" : fmt::format(", did you mean {}?", nearest));
}

std::vector<std::string> CompleteCommand(std::string_view begin) {
  std::vector<std::string> names;
  if (!begin.starts_with('/')) return names;
  const auto offer = [&](std::string name) {
    if (name.starts_with(begin)) names.push_back(std::move(name));
  };
  for (const ChatCommandInfo& info : kCommands) offer(std::string(info.name).append(info.takes_argument ? " " : ""));
  for (const SamplingName& setting : SamplingNames()) {
    if (begin.starts_with("/set ")) offer(fmt::format("/set {} ", setting.name));
  }
  return names;
}

std::string CommandHelp() {
  std::string help;
  const auto line = [&](std::string_view left, std::string_view right) {
    help += fmt::format("  {:<22}{}\n", left, right);
  };
  for (const ChatCommandInfo& info : kCommands) line(fmt::format("{} {}", info.name, info.argument), info.help);
  line("ending in \\", "the message goes on in the next line");
  line("\"\"\"", "alone in a line: begins and ends a message of many lines");
  line("//text", "a message that begins with a slash");
  line("Ctrl-C", "stops an answer; at the prompt clears the line, twice leaves");
  return help;
}

}  // namespace spate
