#include "tokenizer/merge_queue.h"

namespace spate {

void BucketMergeQueue::Push(WaitingMerge merge) {
  const bool sweeping = swept_ < sweep_.size() || !urgent_.empty();
  if (sweeping && merge.rank <= sweep_rank_) {  // all buckets hold higher ranks
    urgent_.Push(merge);
    return;
  }
  uint32_t entry = free_;
  if (entry == kNone) {
    entry = static_cast<uint32_t>(entries_.size());
    entries_.push_back({merge.position, kNone});
  } else {
    free_ = entries_[entry].next;
    entries_[entry] = {merge.position, kNone};
  }
  if (merge.rank >= buckets_.size()) buckets_.resize(std::max<size_t>(size_t{merge.rank} + 1, buckets_.size() * 2));
  Bucket& bucket = buckets_[merge.rank];
  if (bucket.first == kNone) {
    bucket.first = entry;
    ranks_.push_back(merge.rank);
    std::push_heap(ranks_.begin(), ranks_.end(), std::greater<>());
  } else {
    entries_[bucket.last].next = entry;
  }
  bucket.last = entry;
}

void BucketMergeQueue::DrainLowest() {
  std::pop_heap(ranks_.begin(), ranks_.end(), std::greater<>());
  sweep_rank_ = ranks_.back();
  ranks_.pop_back();
  Bucket& bucket = buckets_[sweep_rank_];
  sweep_.clear();
  swept_ = 0;
  for (uint32_t entry = bucket.first; entry != kNone; entry = entries_[entry].next) {
    sweep_.push_back(entries_[entry].position);
  }
  entries_[bucket.last].next = free_;
  free_ = bucket.first;
  bucket = {};
  // What one sweep leaves behind is in order; that of several sweeps is not.
  if (!std::is_sorted(sweep_.begin(), sweep_.end())) std::sort(sweep_.begin(), sweep_.end());
}

bool BucketMergeQueue::Pop(WaitingMerge* merge) {
  if (swept_ == sweep_.size()) {
    if (urgent_.Pop(merge)) return true;
    if (ranks_.empty()) return false;
    DrainLowest();
  }
  const WaitingMerge next{sweep_rank_, sweep_[swept_]};
  if (!urgent_.empty()) {
    const WaitingMerge top = urgent_.Top();
    if (top.rank < next.rank || top.position < next.position) return urgent_.Pop(merge);
  }
  ++swept_;
  *merge = next;
  return true;
}

}  // namespace spate
