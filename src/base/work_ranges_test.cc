#include "base/work_ranges.h"

#include <gtest/gtest.h>

#include <thread>

namespace spate {
namespace {

TEST(WorkRanges, OneThreadTakesEverythingInOrder) {
  WorkRanges ranges(3);
  ranges.Reset(5, 1);
  for (int64_t i = 0; i < 5; ++i) EXPECT_EQ(ranges.Next(0), i);
  EXPECT_EQ(ranges.Next(0), -1);
  ranges.Reset(0, 3);
  EXPECT_EQ(ranges.Next(2), -1);
}

TEST(WorkRanges, OwnShareForwardsThenOthersFromTheirEnds) {
  WorkRanges ranges(2);
  ranges.Reset(7, 2);  // 0 1 2 | 3 4 5 6
  EXPECT_EQ(ranges.Next(1), 3);
  EXPECT_EQ(ranges.Next(0), 0);
  EXPECT_EQ(ranges.Next(0), 1);
  EXPECT_EQ(ranges.Next(0), 2);
  EXPECT_EQ(ranges.Next(0), 6);
  EXPECT_EQ(ranges.Next(1), 4);
  EXPECT_EQ(ranges.Next(0), 5);
  EXPECT_EQ(ranges.Next(0), -1);
  EXPECT_EQ(ranges.Next(1), -1);
}

TEST(WorkRanges, EachNumberGoesToExactlyOneThread) {
  constexpr int kThreads = 4;
  for (const int64_t total : {1, 3, 4, 1001, 20000}) {
    WorkRanges ranges(kThreads);
    ranges.Reset(total, kThreads);
    std::vector<std::vector<int64_t>> taken(kThreads);
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int64_t i = ranges.Next(t); i >= 0; i = ranges.Next(t)) taken[static_cast<size_t>(t)].push_back(i);
      });
    }
    threads.clear();
    std::vector<int> times(static_cast<size_t>(total));
    for (const auto& list : taken) {
      for (const int64_t i : list) ++times[static_cast<size_t>(i)];
    }
    for (const int n : times) EXPECT_EQ(n, 1);
  }
}

}  // namespace
}  // namespace spate
