#include "term/chat_commands.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace spate {
namespace {

std::string Refusal(std::string_view line) {
  try {
    ParseCommand(line);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    return error.what();
  }
  return "";
}

TEST(ChatCommands, TellsCommandsFromMessages) {
  EXPECT_TRUE(IsCommand("/help"));
  EXPECT_TRUE(IsCommand("/nonsense"));
  EXPECT_FALSE(IsCommand("//help"));
  EXPECT_FALSE(IsCommand("/ a slash"));
  EXPECT_FALSE(IsCommand("/"));
  EXPECT_FALSE(IsCommand("help"));
  EXPECT_FALSE(IsCommand(""));
}

TEST(ChatCommands, ParsesNameAndArgument) {
  for (const ChatCommandInfo& info : ChatCommands()) {
    const std::string line = std::string(info.name) + (info.needs_argument ? " x" : "");
    EXPECT_EQ(ParseCommand(line).command, info.command) << line;
  }
  EXPECT_EQ(ParseCommand("/save  a b.json \t").argument, "a b.json");
  EXPECT_EQ(ParseCommand("/system two\nlines").argument, "two\nlines");
  EXPECT_EQ(ParseCommand("/quit").command, ChatCommand::kExit);
}

TEST(ChatCommands, RefusesInOneLine) {
  EXPECT_EQ(Refusal("/rest"),
            "unknown command /rest, did you mean /reset?; /help lists them, // begins a message with a slash");
  EXPECT_EQ(Refusal("/xyzzy"), "unknown command /xyzzy; /help lists them, // begins a message with a slash");
  EXPECT_EQ(Refusal("/save"), "/save: expected /save FILE");
  EXPECT_EQ(Refusal("/undo 3"), "/undo: expected nothing behind it, got \"3\"");
  EXPECT_EQ(Refusal("/" + std::string(10000, '\033')).find('\033'), std::string::npos);
}

TEST(ChatCommands, Completes) {
  EXPECT_EQ(CompleteCommand("/und"), std::vector<std::string>{"/undo"});
  EXPECT_EQ(CompleteCommand("/set top").size(), 3u);
  EXPECT_EQ(CompleteCommand("/set temp"), std::vector<std::string>{"/set temperature "});
  EXPECT_TRUE(CompleteCommand("top").empty());
}

TEST(ChatCommands, HelpNamesEveryCommand) {
  const std::string help = CommandHelp();
  for (const ChatCommandInfo& info : ChatCommands()) EXPECT_NE(help.find(info.name), std::string::npos) << info.name;
}

}  // namespace
}  // namespace spate
