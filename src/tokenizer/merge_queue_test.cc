#include "tokenizer/merge_queue.h"

#include <gtest/gtest.h>

#include <random>

namespace spate {
namespace {

// Pushes as merging does: at first all positions, then, behind a pop, a few that are not behind what was popped.
TEST(MergeQueue, BucketsPopInTheOrderOfAHeap) {
  std::mt19937 random(1);
  const auto below = [&](size_t n) { return static_cast<uint32_t>(random() % n); };
  HeapMergeQueue heap;
  BucketMergeQueue buckets;
  size_t popped = 0;
  for (int round = 0; round < 300; ++round) {  // one queue for all rounds
    const size_t ranks = 1 + below(round % 3 == 0 ? 4 : 300);
    size_t pushes = 2000;
    const auto push = [&](uint32_t position) {
      const WaitingMerge merge{below(ranks), position};
      heap.Push(merge);
      buckets.Push(merge);
    };
    for (uint32_t i = below(500); i > 0; --i) push(500 - i);
    WaitingMerge expected{}, got{};
    while (heap.Pop(&expected)) {
      ASSERT_TRUE(buckets.Pop(&got));
      ASSERT_EQ(got.rank, expected.rank);
      ASSERT_EQ(got.position, expected.position);
      ++popped;
      for (uint32_t i = below(3); i > 0 && pushes > 0; --i, --pushes) push(below(size_t{expected.position} + 1));
    }
    ASSERT_FALSE(buckets.Pop(&got));
  }
  EXPECT_GT(popped, 50000u);
}

}  // namespace
}  // namespace spate
