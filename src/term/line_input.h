// LineInput: where a chat's lines come from: a terminal with editing, or a pipe. And MessageReader, which makes
// messages of lines. One thread, which must not wait elsewhere for Ctrl-C meanwhile.
#pragma once

#include <string>

#include "term/terminal_signals.h"

namespace spate {

enum class LineStatus {
  kLine,
  kEnd,        // Ctrl-D, or the end of a pipe
  kInterrupt,  // Ctrl-C: the line is gone
  kTerminate,  // SIGTERM, SIGHUP, or the terminal is gone
};

class LineInput {
 public:
  static constexpr size_t kMaxLineBytes = size_t{64} << 20;

  virtual ~LineInput() = default;
  // `first`: of a message; else one that goes on. `line` has no newline at its end; pasted text may have some inside.
  // Throws Error(kBadInput) for a line above kMaxLineBytes.
  virtual LineStatus Read(bool first, std::string& line) = 0;
  virtual void Remember(const std::string& message) = 0;  // for the arrow keys, now and in later sessions
};

// Standard input as it comes: a pipe, or a terminal whose output goes elsewhere.
class PlainInput : public LineInput {
 public:
  explicit PlainInput(TerminalSignals& signals) : signals_(signals) {}
  LineStatus Read(bool first, std::string& line) override;
  void Remember(const std::string&) override {}

  LineStatus ReadAll(std::string& text);  // up to the end

 private:
  // More bytes into pending_; kEnd at the end of input.
  LineStatus Fill();

  TerminalSignals& signals_;
  std::string pending_;
};

struct ChatInput {
  std::string text;
  bool literal = false;  // between """: never a command
};

// A message from as many lines as it takes: a line that ends in a backslash goes on in the next one, and lines between
// two lines of """ belong together.
class MessageReader {
 public:
  explicit MessageReader(LineInput& lines) : lines_(lines) {}
  // kEnd comes with a last message where the end came inside of it.
  LineStatus Read(ChatInput& input);

 private:
  LineInput& lines_;
};

}  // namespace spate
