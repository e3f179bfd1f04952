// WorkRanges: the numbers 0 .. total - 1 in contiguous shares, one per thread, taken in ascending order; a thread whose
// share is used up takes from the end of another's. For work that streams memory: a thread that stays in one ascending
// stretch reads faster than threads that take turns, and none waits for a slow one.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace spate {

class WorkRanges {
 public:
  explicit WorkRanges(int threads) : shares_(static_cast<size_t>(threads)) {}

  // Where no thread takes from it. total < 2^32; `threads` of those given to the constructor take part.
  void Reset(int64_t total, int threads) noexcept;
  // The next number for `thread`, or -1 when none is left.
  int64_t Next(int thread) noexcept;

 private:
  // begin << 32 | end of what is left.
  struct alignas(64) Share {
    std::atomic<uint64_t> left{0};
  };
  std::vector<Share> shares_;
  int threads_ = 1;
};

}  // namespace spate
