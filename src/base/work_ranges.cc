#include "base/work_ranges.h"

#include "base/check.h"

namespace spate {

void WorkRanges::Reset(int64_t total, int threads) noexcept {
  CHECK(total >= 0 && total <= INT64_C(0xffffffff), "{} pieces of work", total);
  CHECK(threads >= 1 && static_cast<size_t>(threads) <= shares_.size(), "{} threads", threads);
  threads_ = threads;
  for (int t = 0; t < threads; ++t) {
    const auto begin = static_cast<uint64_t>(total * t / threads);
    const auto end = static_cast<uint64_t>(total * (t + 1) / threads);
    shares_[static_cast<size_t>(t)].left.store(begin << 32 | end, std::memory_order_relaxed);
  }
}

int64_t WorkRanges::Next(int thread) noexcept {
  for (int i = 0; i < threads_; ++i) {
    const bool own = i == 0;
    std::atomic<uint64_t>& share = shares_[static_cast<size_t>((thread + i) % threads_)].left;
    uint64_t left = share.load(std::memory_order_relaxed);
    for (;;) {
      const uint64_t begin = left >> 32, end = left & 0xffffffff;
      if (begin >= end) break;
      const uint64_t rest = own ? (begin + 1) << 32 | end : begin << 32 | (end - 1);
      if (share.compare_exchange_weak(left, rest, std::memory_order_relaxed)) {
        return static_cast<int64_t>(own ? begin : end - 1);
      }
    }
  }
  return -1;
}

}  // namespace spate
