// Failure: what stops a template, inside the interpreter. ChatTemplate turns it into an Error that names the template
// and the line.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace spate::jinja {

class Failure : public std::runtime_error {
 public:
  template <typename... Args>
  explicit Failure(fmt::format_string<Args...> format, Args&&... args)
      : std::runtime_error(fmt::format(format, std::forward<Args>(args)...)) {}
  int line = 0;  // 0: the line that is being evaluated
};

template <typename... Args>
[[noreturn]] void FailAt(int line, fmt::format_string<Args...> format, Args&&... args) {
  Failure failure(format, std::forward<Args>(args)...);
  failure.line = line;
  throw failure;
}

}  // namespace spate::jinja
