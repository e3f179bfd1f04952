// LineEditor: lines from a terminal with libedit: keys of emacs (or what ~/.editrc says), history with the arrow keys
// and Ctrl-R, Tab for commands, pasted text with its newlines in one piece. Main thread; at most one at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "term/history_file.h"
#include "term/line_input.h"

namespace spate {

struct LineEditorOptions {
  bool color = false;
  bool capable = false;  // the terminal understands escape sequences: pastes are bracketed
  // What a line that begins so may go on as, for Tab; whole lines.
  std::function<std::vector<std::string>(std::string_view begin)> complete;
};

class LineEditor : public LineInput {
 public:
  static constexpr size_t kMaxPaste = 1 << 20;  // characters

  // Both outlive the editor. Throws Error(kEnvironment) when the terminal cannot be used.
  LineEditor(TerminalSignals& signals, HistoryFile& history, LineEditorOptions options);
  ~LineEditor() override;

  LineStatus Read(bool first, std::string& line) override;
  void Remember(const std::string& message) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spate
