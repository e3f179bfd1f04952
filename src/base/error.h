// Errors that a user or the environment causes: a bad flag, file or request, too little memory,
// a peer that went away. Thrown as one line that says what, where, expected and got, and what to
// try; caught in three places only: main(), the HTTP handler and the engine's step.
// Programmer errors are not Errors: see base/check.h.
//
//   throw Error(ErrorCode::kBadInput, "{}: header says {} bytes, the file has {}", path, want, got);
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace spate {

// The value is the process's exit code (docs/errors.md).
enum class ErrorCode : int {
  kUsage = 2,         // the command line is wrong
  kBadInput = 3,      // a file, model or request is wrong
  kDoesNotFit = 4,    // memory, context or another limit is too small
  kEnvironment = 5,   // the system or a peer failed: cannot open, no device, no network
  kVerdict = 6,       // everything ran; the measured result is "failed"
  kInterrupted = 130  // stopped by the user; results so far were kept
};

class Error : public std::runtime_error {
 public:
  template <typename... Args>
  Error(ErrorCode code, fmt::format_string<Args...> format, Args&&... args)
      : std::runtime_error(fmt::format(format, std::forward<Args>(args)...)), code_(code) {}

  ErrorCode code() const { return code_; }
  int exit_code() const { return static_cast<int>(code_); }

 private:
  ErrorCode code_;
};

}  // namespace spate
