#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "base/utf8.h"

namespace spate {
namespace {

constexpr size_t kMaxRecordBytes = 8192;

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      break;
  }
  return spdlog::level::off;
}

std::shared_ptr<spdlog::logger> MakeLogger() {
  const bool plain = std::getenv("NO_COLOR") != nullptr;
  // Automatic: colours when stderr is a terminal that has them.
  auto logger = spdlog::stderr_color_mt("spate", plain ? spdlog::color_mode::never : spdlog::color_mode::automatic);
  logger->set_pattern("%H:%M:%S.%e %^%L%$ %v");
  logger->flush_on(spdlog::level::debug);

  const char* name = std::getenv("SPATE_LOG");
  const std::optional<LogLevel> level = name == nullptr ? LogLevel::kInfo : ParseLogLevel(name);
  logger->set_level(ToSpdlog(level.value_or(LogLevel::kInfo)));
  if (!level) {
    logger->warn("SPATE_LOG={}: expected debug, info, warn, error or off; using info", OneLine(name, 40));
  }
  return logger;
}

// Never destroyed: a thread may still log while the process leaves.
spdlog::logger& Logger() {
  static const auto& logger = *new std::shared_ptr<spdlog::logger>(MakeLogger());
  return *logger;
}

}  // namespace

std::optional<LogLevel> ParseLogLevel(std::string_view name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "info") return LogLevel::kInfo;
  if (name == "warn") return LogLevel::kWarn;
  if (name == "error") return LogLevel::kError;
  if (name == "off") return LogLevel::kOff;
  return std::nullopt;
}

void SetLogLevel(LogLevel level) { Logger().set_level(ToSpdlog(level)); }

bool LogEnabled(LogLevel level) { return level != LogLevel::kOff && Logger().should_log(ToSpdlog(level)); }

void LogMessage(LogLevel level, std::string_view message) {
  if (!LogEnabled(level)) return;
  Logger().log(ToSpdlog(level), "{}", OneLine(message, kMaxRecordBytes));
}

}  // namespace spate
