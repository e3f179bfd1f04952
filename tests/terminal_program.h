// Runs the spate program at a pseudo-terminal, as a person at the keyboard would meet it. One thread.
//
//   TerminalProgram chat({"chat", "--seed", "7"}, {{"TERM", "xterm"}});
//   ASSERT_TRUE(chat.WaitFor("> ")) << chat.Shown();
//   chat.Type("/exit\r");
//   EXPECT_EQ(chat.Finish(), 0);
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace spate {

class TerminalProgram {
 public:
  // Whether this system gives pseudo-terminals; a chroot without /dev/pts does not.
  static bool Available();

  // The environment is this process's with `environment` over it.
  TerminalProgram(std::vector<std::string> arguments, const std::map<std::string, std::string>& environment);
  ~TerminalProgram();  // kills it if it still runs
  TerminalProgram(const TerminalProgram&) = delete;
  TerminalProgram& operator=(const TerminalProgram&) = delete;

  void Type(std::string_view keys);
  // Waits until `text` appears behind what the last WaitFor found. False: it ended or nothing came for minutes.
  bool WaitFor(std::string_view text);
  // The same for a letter outside of lines that are drawn over and over, such as a progress bar.
  bool WaitForLetter();
  int Finish();  // waits for its end; exit code, or 128 + signal

  const std::string& Shown() const { return shown_; }  // all so far
  std::string SinceLastWait() const { return shown_.substr(found_); }
  void Signal(int signal) const;

 private:
  bool ReadMore(int timeout_ms);  // false: it ended, or nothing came

  int fd_ = -1;
  pid_t pid_ = -1;
  std::string shown_;
  size_t found_ = 0;
};

}  // namespace spate
