#include "base/queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace spate {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Queue, InOrderAndMoveOnly) {
  Queue<std::unique_ptr<int>> queue;
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(queue.Push(std::make_unique<int>(i)));
  EXPECT_EQ(queue.size(), 4u);
  std::unique_ptr<int> item;
  ASSERT_TRUE(queue.TryPop(item));
  EXPECT_EQ(*item, 0);
  EXPECT_EQ(**queue.WaitPop(seconds(0)), 1);
  std::vector<std::unique_ptr<int>> rest;
  EXPECT_EQ(queue.DrainInto(rest), 2u);
  EXPECT_EQ(*rest[0], 2);
  EXPECT_EQ(*rest[1], 3);
  EXPECT_FALSE(queue.TryPop(item));
  EXPECT_EQ(queue.DrainInto(rest), 0u);
}

TEST(Queue, WaitPopTimesOut) {
  Queue<int> queue;
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(queue.WaitPop(milliseconds(20)), std::nullopt);
  EXPECT_FALSE(queue.WaitReady(milliseconds(1)));
  EXPECT_GE(std::chrono::steady_clock::now() - before, milliseconds(20));
}

TEST(Queue, CloseWakesAndKeepsWhatIsThere) {
  Queue<int> queue;
  std::thread closer([&] {
    std::this_thread::sleep_for(milliseconds(10));
    queue.Close();
  });
  EXPECT_EQ(queue.WaitPop(seconds(60)), std::nullopt);
  closer.join();
  EXPECT_TRUE(queue.closed());
  EXPECT_FALSE(queue.Push(1));

  Queue<int> filled;
  EXPECT_TRUE(filled.Push(7));
  filled.Close();
  EXPECT_TRUE(filled.WaitReady(seconds(60)));
  EXPECT_EQ(filled.WaitPop(seconds(60)), 7);
  EXPECT_EQ(filled.WaitPop(seconds(60)), std::nullopt);
}

TEST(Queue, ManyProducersLoseNothingAndKeepTheirOrder) {
  constexpr int kProducers = 4;
  constexpr int kItems = 5000;
  Queue<std::pair<int, int>> queue;
  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&queue, p] {
      for (int i = 0; i < kItems; ++i) ASSERT_TRUE(queue.Push({p, i}));
    });
  }
  std::vector<int> next(kProducers);
  for (int taken = 0; taken < kProducers * kItems;) {
    std::vector<std::pair<int, int>> batch;
    if (taken % 3 == 0) {
      queue.DrainInto(batch);
    } else if (const auto item = queue.WaitPop(seconds(60))) {
      batch.push_back(*item);
    }
    for (const auto& [producer, i] : batch) ASSERT_EQ(i, next[static_cast<size_t>(producer)]++);
    taken += static_cast<int>(batch.size());
    if (batch.empty()) std::this_thread::yield();
  }
  for (std::thread& producer : producers) producer.join();
  EXPECT_EQ(queue.size(), 0u);
}

}  // namespace
}  // namespace spate
