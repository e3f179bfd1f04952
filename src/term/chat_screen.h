// ChatScreen: what a chat shows, and where. On a terminal: colours, an indicator while the model is silent, control
// characters of the model made visible, everything on stdout. Elsewhere: answers on stdout as they are, the rest on
// stderr. Main thread.
#pragma once

#include <termios.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace spate {

class ChatScreen {
 public:
  explicit ChatScreen(bool interactive);
  ~ChatScreen();
  ChatScreen(const ChatScreen&) = delete;
  ChatScreen& operator=(const ChatScreen&) = delete;

  bool interactive() const { return interactive_; }
  bool color() const { return color_; }
  bool capable() const { return redraw_; }

  // An answer: Begin, any number of Wait and Text, End. What is typed meanwhile is not echoed: it would stand in the
  // middle of the answer, and comes up at the next prompt.
  void BeginAnswer();
  void Wait(std::string_view what);  // "reading 812 tokens": redraws the indicator while there is no text yet
  void AnswerText(std::string_view text);
  void EndAnswer();  // finishes the last line

  void Note(std::string_view line);     // something that happened: "dropped 2 oldest exchanges ..."
  void Print(std::string_view text);    // what a command was asked for, whole lines
  void Problem(std::string_view line);  // what could not be done

 private:
  void ClearIndicator();
  std::FILE* notes() const { return interactive_ ? stdout : stderr; }
  void HoldKeys();     // of the terminal: not echoed, and kept as they are typed
  void ReleaseKeys();  // as it was

  using Clock = std::chrono::steady_clock;
  const bool interactive_;
  const bool tty_;     // of stdout
  const bool color_;   // of what notes() returns
  const bool redraw_;  // of stdout
  bool answering_ = false;
  bool any_text_ = false;
  bool line_open_ = false;
  bool indicator_ = false;
  Clock::time_point start_;
  std::optional<termios> before_;  // while keys are held
};

}  // namespace spate
