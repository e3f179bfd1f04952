// A progress bar on stderr for work that reads or writes bytes: share, rate and time left, redrawn at most
// ten times a second. Silent when stderr is no terminal or the work ends within a fifth of a second.
// Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace spate {

class ProgressBar {
 public:
  explicit ProgressBar(std::string label);
  ~ProgressBar();  // clears the line
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void Update(int64_t done_bytes, int64_t total_bytes);

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_;
  bool visible_;
  bool drawn_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_draw_ = start_;
};

// "  [=========>        ]  42%  1.2 of 2.9 GB  2.31 GB/s  0:01 left", cut to `columns`.
std::string FormatProgress(const std::string& label, int64_t done, int64_t total, double seconds, int columns);

}  // namespace spate
