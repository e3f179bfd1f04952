#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace spate {

void CheckFailed(const char* file, int line, const char* condition, std::string_view message) {
  fmt::print(stderr, "{}:{}: CHECK({}) failed{}{}\nThis is a bug in spate, not in your input.\n", file, line, condition,
             message.empty() ? "" : ": ", message);
  std::fflush(stderr);
  std::_Exit(1);
}

}  // namespace spate
