// CHECK: an invariant of the program itself, kept in release builds off the inner loops. A failure
// is a bug: it prints file, line, condition and values, and exits with code 1. DCHECK is the same
// in debug builds only, for inner loops. Never use either on anything that comes from outside.
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace spate {

// Prints "file:line: CHECK(condition) failed: message" to stderr and leaves with exit code 1.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition, std::string_view message);

}  // namespace spate

#define CHECK(condition, ...)                                                                    \
  do {                                                                                           \
    if (!(condition)) [[unlikely]] {                                                             \
      ::spate::CheckFailed(__FILE__, __LINE__, #condition,                                       \
                           ::fmt::format("" __VA_ARGS__)); /* NOLINT: empty format is allowed */ \
    }                                                                                            \
  } while (false)

#ifdef NDEBUG
#define DCHECK(condition, ...) \
  do {                         \
  } while (false)
#else
#define DCHECK(condition, ...) CHECK(condition __VA_OPT__(, ) __VA_ARGS__)
#endif
