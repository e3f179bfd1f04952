// TerminalSignals: what a person's terminal tells an interactive program through signals, kept as flags and a file
// descriptor that wakes poll(): Ctrl-C, a wish to end, a window that changed, a program that was continued. Works
// whichever thread a signal reaches. At most one at a time; for the main thread.
#pragma once

namespace spate {

class TerminalSignals {
 public:
  TerminalSignals();   // handles SIGINT, SIGTERM, SIGHUP, SIGWINCH and SIGCONT
  ~TerminalSignals();  // as it was before
  TerminalSignals(const TerminalSignals&) = delete;
  TerminalSignals& operator=(const TerminalSignals&) = delete;

  int fd() const;  // readable when something happened; Drain empties it
  void Drain() const;
  bool TakeInterrupt();  // whether Ctrl-C came since the last call
  bool TakeRedraw();     // whether the line on the screen may be wrong by now
  bool ended() const;    // SIGTERM or SIGHUP came; a second one ends the process at once
};

}  // namespace spate
