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

bool IsTerminal(std::FILE* stream) {
  if (isatty(fileno(stream)) == 0) return false;
  const char* no_color = std::getenv("NO_COLOR");  // no-color.org
  const char* term = std::getenv("TERM");
  return (no_color == nullptr || *no_color == '\0') && (term == nullptr || std::string_view(term) != "dumb");
}

int TerminalColumns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 100;
}

std::string Dim(std::string_view text, std::FILE* stream) { return Face("2", text, stream); }
std::string Bold(std::string_view text, std::FILE* stream) { return Face("1", text, stream); }

}  // namespace spate
