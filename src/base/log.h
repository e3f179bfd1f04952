// Log records on stderr, one line each: time, level, message. The level comes from SPATE_LOG
// (debug, info, warn, error, off; default info) until SetLogLevel; colours only on a terminal and without NO_COLOR.
// Thread-safe. The logger lives in spdlog's registry, the only state kept. Results of a command
// go to stdout, not here.
//
//   LogInfo("{}: {} tensors, {:.1f} GB/s", path, tensors, gb_s);
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <utility>

namespace spate {

enum class LogLevel { kDebug, kInfo, kWarn, kError, kOff };

std::optional<LogLevel> ParseLogLevel(std::string_view name);  // "debug", "info", "warn", "error", "off"
void SetLogLevel(LogLevel level);
bool LogEnabled(LogLevel level);

// Writes one record; line breaks and other control characters inside it are escaped, so that foreign text cannot
// forge a second one.
void LogMessage(LogLevel level, std::string_view message);

// Arguments are formatted only when the level is on.
template <typename... Args>
void Log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (LogEnabled(level)) LogMessage(level, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void LogDebug(fmt::format_string<Args...> format, Args&&... args) {
  Log(LogLevel::kDebug, format, std::forward<Args>(args)...);
}
template <typename... Args>
void LogInfo(fmt::format_string<Args...> format, Args&&... args) {
  Log(LogLevel::kInfo, format, std::forward<Args>(args)...);
}
template <typename... Args>
void LogWarn(fmt::format_string<Args...> format, Args&&... args) {
  Log(LogLevel::kWarn, format, std::forward<Args>(args)...);
}
template <typename... Args>
void LogError(fmt::format_string<Args...> format, Args&&... args) {
  Log(LogLevel::kError, format, std::forward<Args>(args)...);
}

}  // namespace spate
