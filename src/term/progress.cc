#include "term/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "term/terminal.h"

namespace spate {
namespace {

constexpr auto kQuiet = std::chrono::milliseconds(200);   // nobody needs a bar for less
constexpr auto kRedraw = std::chrono::milliseconds(100);  // what an eye can follow

}  // namespace

std::string FormatProgress(const std::string& label, int64_t done, int64_t total, double seconds, int columns) {
  const double share = total > 0 ? std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0) : 0.0;
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  const double left = rate > 0 ? static_cast<double>(total - done) / rate : 0;
  const double unit = total < 1'000'000'000 ? 1e6 : 1e9, rate_unit = rate < 1e9 ? 1e6 : 1e9;
  const std::string tail = fmt::format(
      "{:3.0f}%  {:.2f} of {:.2f} {}  {:.{}f} {}/s  {}:{:02} left", 100 * share, static_cast<double>(done) / unit,
      static_cast<double>(total) / unit, unit < 1e9 ? "MB" : "GB", rate / rate_unit, rate_unit < 1e9 ? 0 : 2,
      rate_unit < 1e9 ? "MB" : "GB", static_cast<int>(left) / 60, static_cast<int>(left) % 60);
  const int room = columns - static_cast<int>(label.size() + tail.size()) - 6;
  if (room < 8) return fmt::format("{} {}", label, tail).substr(0, static_cast<size_t>(std::max(columns - 1, 0)));
  const auto width = static_cast<size_t>(std::min(room, 40));
  const auto filled = static_cast<size_t>(share * static_cast<double>(width));
  return fmt::format("{} [{}{}] {}", label, std::string(filled, '='), std::string(width - filled, ' '), tail);
}

ProgressBar::ProgressBar(std::string label) : label_(std::move(label)), visible_(IsTerminal(stderr)) {}

ProgressBar::~ProgressBar() {
  if (drawn_) fmt::print(stderr, "\r\033[K");
}

void ProgressBar::Update(int64_t done_bytes, int64_t total_bytes) {
  const Clock::time_point now = Clock::now();
  if (!visible_ || now - start_ < kQuiet || now - last_draw_ < kRedraw) return;
  last_draw_ = now;
  drawn_ = true;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  fmt::print(stderr, "\r{}\033[K", FormatProgress(label_, done_bytes, total_bytes, seconds, TerminalColumns()));
  std::fflush(stderr);
}

}  // namespace spate
