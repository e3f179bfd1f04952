#include "term/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace spate {
namespace {

std::string Face(std::string_view code, std::string_view text, std::FILE* stream) {
  if (!IsTerminal(stream)) return std::string(text);
  return std::string("\033[").append(code).append("m").append(text).append("\033[0m");
}

}  // namespace

bool IsTty(std::FILE* stream) { return isatty(fileno(stream)) != 0; }

bool CanRedraw(std::FILE* stream) {
  const char* term = std::getenv("TERM");
  return IsTty(stream) && (term == nullptr || std::string_view(term) != "dumb");
}

bool IsTerminal(std::FILE* stream) {
  const char* no_color = std::getenv("NO_COLOR");  // no-color.org
  return (no_color == nullptr || *no_color == '\0') && CanRedraw(stream);
}

int TerminalColumns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 100;
}

std::string Dim(std::string_view text, std::FILE* stream) { return Face("2", text, stream); }
std::string Bold(std::string_view text, std::FILE* stream) { return Face("1", text, stream); }

}  // namespace spate
