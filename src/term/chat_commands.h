// The commands of a chat: what a line that begins with a slash asks for. Pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spate {

enum class ChatCommand {
  kHelp,
  kSystem,
  kReset,
  kUndo,
  kRetry,
  kSave,
  kSaveOver,
  kLoad,
  kSet,
  kStats,
  kTemplate,
  kExit,
};

struct ChatCommandInfo {
  ChatCommand command;
  std::string_view name;      // with its slash
  std::string_view argument;  // as help shows it
  bool needs_argument;
  bool takes_argument;
  std::string_view help;
};
std::span<const ChatCommandInfo> ChatCommands();

struct ParsedCommand {
  ChatCommand command = ChatCommand::kHelp;
  std::string argument{};  // without surrounding white space
};

// "/exit", but not "//exit", which is the message "/exit", nor "/".
bool IsCommand(std::string_view line);
// Throws Error(kUsage) for an unknown command, with the nearest one, and for an argument too many or too few.
ParsedCommand ParseCommand(std::string_view line);

// What a command line that begins with `begin` may go on as: command names, and after "/set " the settings' names.
std::vector<std::string> CompleteCommand(std::string_view begin);

std::string CommandHelp();  // a line for each command and each way to type a message

std::string_view TrimSpace(std::string_view text);

}  // namespace spate
