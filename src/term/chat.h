// spate chat: a conversation with a model in a terminal, or through a pipe. What is typed is a message or a command
// (term/chat_commands.h); an Error costs the message or command, not the conversation, but ends a pipe's.
#pragma once

#include <optional>
#include <string>

#include "engine/engine.h"
#include "term/chat_answer.h"
#include "term/chat_commands.h"
#include "term/chat_context.h"
#include "term/chat_screen.h"
#include "term/chat_session.h"
#include "term/line_input.h"
#include "term/terminal_signals.h"

namespace spate {

struct ChatOptions {
  EncodeMessages encode;                // template and tokenizer
  std::string model_name;               // as the greeting shows it
  std::string template_name;            // as /template shows it
  SamplingParams params{};              // of every answer; /set changes them
  std::string system{};                 // message; empty = none
  std::string load{};                   // a saved chat to go on with; empty = none
  std::optional<std::string> prompt{};  // the first message
  bool single = false;                  // one message: the prompt, and all of standard input where that is no terminal
};

// Runs until the end of input, /exit or two Ctrl-C. Returns the exit code: 0, or 130 after Ctrl-C or SIGTERM.
int RunChat(Engine& engine, ChatOptions options);

// The conversation without its input: what RunChat drives. Main thread.
class Chat {
 public:
  Chat(Engine& engine, ChatOptions options, ChatScreen& screen, TerminalSignals& signals);

  void Start();                              // loads what is to be loaded
  bool Handle(const ChatInput& input);       // a message or command; false: leave
  void Say(std::string text);                // a message, whatever it begins with
  bool stopped() const { return stopped_; }  // whether the last answer was interrupted

 private:
  struct Totals {
    int answers = 0;
    int64_t prompt_tokens = 0;
    double prefill_seconds = 0;
    int64_t decoded_tokens = 0;  // without the first of each answer, which prefill gives
    double decode_seconds = 0;
  };

  void Answer();  // the session's last message; without one at its end the message is taken back
  void NoteLeftOut(const FittedPrompt& prompt);
  void NoteEnd(const ChatAnswer& answer);

  bool RunCommand(ChatCommand command, const std::string& argument);
  void System(const std::string& text);
  void Undo();
  void Retry();
  void Reset();
  void Save(const std::string& path, bool over);
  void Load(const std::string& path);
  void Set(const std::string& argument);
  void Stats();

  Engine& engine_;
  ChatOptions options_;
  ChatScreen& screen_;
  TerminalSignals& signals_;
  SamplingParams params_;
  ChatSession session_;
  ContextMeter meter_;
  size_t left_out_ = 0;   // exchanges that the last prompt did not show
  std::string own_file_;  // what this session saved or loaded last: saved over without asking
  std::optional<RequestTimings> last_;
  Totals totals_;
  bool stopped_ = false;
};

}  // namespace spate
