#include "term/chat_screen.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "term/terminal.h"
#include "term/visible_text.h"

namespace spate {
namespace {

constexpr double kQuietSeconds = 0.2;  // nobody needs an indicator for less
constexpr double kTurnSeconds = 0.1;
constexpr std::string_view kFrames = "|/-\\";

}  // namespace

ChatScreen::ChatScreen(bool interactive)
    : interactive_(interactive),
      tty_(IsTty(stdout)),
      color_(IsTerminal(interactive ? stdout : stderr)),
      redraw_(CanRedraw(stdout)) {}

ChatScreen::~ChatScreen() {
  if (answering_) EndAnswer();
}

void ChatScreen::HoldKeys() {
  termios mode{};
  if (!interactive_ || tcgetattr(STDIN_FILENO, &mode) != 0) return;
  before_ = mode;
  // Without ICANON too: a Ctrl-D would otherwise be taken as the end of a line that nobody reads. Ctrl-C stays a
  // signal.
  mode.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON);
  tcsetattr(STDIN_FILENO, TCSANOW, &mode);
}

void ChatScreen::ReleaseKeys() {
  if (before_) tcsetattr(STDIN_FILENO, TCSANOW, &*before_);
  before_.reset();
}

void ChatScreen::BeginAnswer() {
  answering_ = true;
  any_text_ = false;
  line_open_ = false;
  start_ = Clock::now();
  HoldKeys();
}

void ChatScreen::Wait(std::string_view what) {
  if (!redraw_ || any_text_) return;
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  if (seconds < kQuietSeconds) return;
  const std::string line =
      fmt::format("{} {}  {:.0f} s", kFrames[static_cast<size_t>(seconds / kTurnSeconds) % 4], what, seconds);
  fmt::print("\r{}\033[K", Dim(line.substr(0, static_cast<size_t>(std::max(TerminalColumns() - 1, 1))), stdout));
  std::fflush(stdout);
  indicator_ = true;
}

void ChatScreen::ClearIndicator() {
  if (indicator_) fmt::print("\r\033[K");
  indicator_ = false;
}

void ChatScreen::AnswerText(std::string_view text) {
  // Models begin with the space or the newline that parts their answer from the prompt.
  if (!any_text_) text.remove_prefix(std::min(text.find_first_not_of(" \n\t"), text.size()));
  if (text.empty()) return;
  ClearIndicator();
  any_text_ = true;
  const std::string visible = tty_ ? VisibleText(text) : std::string(text);
  std::fwrite(visible.data(), 1, visible.size(), stdout);
  std::fflush(stdout);
  line_open_ = !visible.ends_with('\n');
}

void ChatScreen::EndAnswer() {
  ClearIndicator();
  if (line_open_ || !interactive_) std::fputs("\n", stdout);
  std::fflush(stdout);
  line_open_ = false;
  answering_ = false;
  ReleaseKeys();
}

void ChatScreen::Note(std::string_view line) {
  ClearIndicator();
  std::fflush(stdout);
  fmt::print(notes(), "{}\n", Dim(fmt::format("({})", line), notes()));
  std::fflush(notes());
}

void ChatScreen::Print(std::string_view text) {
  std::fflush(stdout);
  fmt::print(notes(), "{}", text);
  std::fflush(notes());
}

void ChatScreen::Problem(std::string_view line) {
  ClearIndicator();
  std::fflush(stdout);
  fmt::print(notes(), "{}{}{}\n", color_ ? "\033[31m" : "", line, color_ ? "\033[0m" : "");
  std::fflush(notes());
}

}  // namespace spate
