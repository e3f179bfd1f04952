// Queues of the merges that wait in a word: popped by lowest rank, of equal ranks by lowest position. Both give the
// same order. They belong to one thread and are used again for the next word.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace spate {

struct WaitingMerge {
  uint32_t rank;
  uint32_t position;
};

// A binary heap: for words that fit into the cache.
class HeapMergeQueue {
 public:
  void Push(WaitingMerge merge) {
    heap_.push_back(static_cast<uint64_t>(merge.rank) << 32 | merge.position);
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  }
  bool Pop(WaitingMerge* merge) {
    if (heap_.empty()) return false;
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    *merge = {static_cast<uint32_t>(heap_.back() >> 32), static_cast<uint32_t>(heap_.back())};
    heap_.pop_back();
    return true;
  }
  // The lowest that waits.
  WaitingMerge Top() const {
    return {static_cast<uint32_t>(heap_.front() >> 32), static_cast<uint32_t>(heap_.front())};
  }
  bool empty() const { return heap_.empty(); }

 private:
  std::vector<uint64_t> heap_;  // rank, position
};

// A list per rank, drained in one sweep over the word from left to right: for words of millions of symbols, where a
// heap misses the cache at every level. Takes 8 bytes for each possible rank.
class BucketMergeQueue {
 public:
  void Push(WaitingMerge merge);
  bool Pop(WaitingMerge* merge);

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Bucket {
    uint32_t first = kNone;
    uint32_t last = kNone;
  };
  struct Entry {
    uint32_t position;
    uint32_t next;
  };
  void DrainLowest();

  std::vector<Bucket> buckets_;  // [ranks]
  std::vector<Entry> entries_;   // of all buckets; those that are free are a list too
  uint32_t free_ = kNone;
  std::vector<uint32_t> ranks_;  // a heap: the buckets that hold something
  std::vector<uint32_t> sweep_;  // ascending positions of the rank that is being drained
  size_t swept_ = 0;
  uint32_t sweep_rank_ = 0;
  HeapMergeQueue urgent_;  // what must come before the sweep ends
};

}  // namespace spate
