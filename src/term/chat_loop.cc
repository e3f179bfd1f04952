// The loop of a chat: from the terminal or the pipe, to the conversation, and the ways out.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "term/chat.h"
#include "term/chat_commands.h"
#include "term/history_file.h"
#include "term/line_editor.h"
#include "term/terminal.h"

namespace spate {
namespace {

constexpr int kInterruptedCode = static_cast<int>(ErrorCode::kInterrupted);
constexpr size_t kShownName = 100;

// Runs `action`; on a terminal an Error is shown and the chat goes on, otherwise it ends the chat.
template <typename Action>
auto Guarded(ChatScreen& screen, Action action) -> decltype(action()) {
  if (!screen.interactive()) return action();
  try {
    return action();
  } catch (const Error& error) {
    screen.Problem(error.what());
    return decltype(action())(true);
  }
}

int RunPipe(Chat& chat, TerminalSignals& signals) {
  PlainInput lines(signals);
  MessageReader reader(lines);
  while (true) {
    ChatInput input;
    const LineStatus status = reader.Read(input);
    if (status == LineStatus::kInterrupt || status == LineStatus::kTerminate) return kInterruptedCode;
    if (status == LineStatus::kEnd && input.text.empty()) return 0;
    if (!chat.Handle(input)) return 0;
    if (chat.stopped()) return kInterruptedCode;
  }
}

int RunTerminal(Chat& chat, ChatScreen& screen, TerminalSignals& signals) {
  HistoryFile history(HistoryPath());
  if (!history.problem().empty()) screen.Note(fmt::format("no history of earlier chats: {}", history.problem()));
  LineEditor lines(signals, history,
                   {.color = screen.color(), .capable = screen.capable(), .complete = CompleteCommand});
  MessageReader reader(lines);
  bool warned = false;  // the last key was a Ctrl-C already
  while (true) {
    ChatInput input;
    const LineStatus status = reader.Read(input);
    if (status == LineStatus::kTerminate) return kInterruptedCode;
    if (status == LineStatus::kInterrupt) {
      if (warned) return kInterruptedCode;
      warned = true;
      screen.Note("Ctrl-C again or Ctrl-D leaves");
      continue;
    }
    warned = false;
    if (status == LineStatus::kEnd && input.text.empty()) return 0;
    lines.Remember(input.text);
    if (!Guarded(screen, [&] { return chat.Handle(input); })) return 0;
    if (signals.ended()) return kInterruptedCode;
  }
}

int RunSingle(Chat& chat, std::optional<std::string> prompt, TerminalSignals& signals) {
  std::string text;
  if (!prompt || !IsTty(stdin)) {
    PlainInput lines(signals);
    if (lines.ReadAll(text) != LineStatus::kEnd) return kInterruptedCode;
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  }
  if (prompt) text = text.empty() ? *prompt : *prompt + "\n" + text;
  if (text.empty()) throw Error(ErrorCode::kUsage, "chat --single: expected a message with -p or on standard input");
  chat.Say(std::move(text));
  return chat.stopped() ? kInterruptedCode : 0;
}

}  // namespace

int RunChat(Engine& engine, ChatOptions options) {
  TerminalSignals signals;
  const bool single = options.single;
  ChatScreen screen(!single && IsTty(stdin) && IsTty(stdout));
  const std::optional<std::string> prompt = options.prompt;
  if (screen.interactive()) {
    screen.Note(fmt::format("{}, context of {} tokens; /help lists commands, Ctrl-D leaves",
                            OneLine(options.model_name, kShownName), engine.context()));
  }
  Chat chat(engine, std::move(options), screen, signals);
  chat.Start();
  if (single) return RunSingle(chat, prompt, signals);
  if (prompt) {
    Guarded(screen, [&] { return chat.Say(*prompt), true; });
    if (signals.ended() || (chat.stopped() && !screen.interactive())) return kInterruptedCode;
  }
  return screen.interactive() ? RunTerminal(chat, screen, signals) : RunPipe(chat, signals);
}

}  // namespace spate
