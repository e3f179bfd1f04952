#include "base/thread_pool.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <new>
#include <numeric>
#include <thread>
#include <vector>

#include "base/topology.h"

namespace spate {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr int kThreadCounts[] = {1, 2, 3, 8};

void Burn(microseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

TEST(ThreadPool, EveryThreadRunsOnceAndItsWritesAreSeen) {
  for (const int threads : kThreadCounts) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    std::vector<int64_t> counts(static_cast<size_t>(threads));  // not atomic: Run orders them
    constexpr int kRuns = 3000;
    for (int run = 0; run < kRuns; ++run) {
      pool.Run([&](int thread) { ++counts[static_cast<size_t>(thread)]; });
      ASSERT_EQ(std::accumulate(counts.begin(), counts.end(), int64_t{0}), int64_t{threads} * (run + 1));
    }
    for (const int64_t count : counts) EXPECT_EQ(count, kRuns);
  }
}

TEST(ThreadPool, ImbalanceAndPausesLoseNothing) {
  for (const int threads : {2, 5}) {
    ThreadPool pool(threads);
    std::atomic<int> total{0};
    for (int run = 0; run < 200; ++run) {
      pool.Run([&](int thread) {
        if (thread == run % threads) Burn(microseconds(run % 7 * 30));  // longer and shorter than the spin
        total.fetch_add(1, std::memory_order_relaxed);
      });
      if (run % 10 == 0) std::this_thread::sleep_for(microseconds(300));  // workers fall asleep
    }
    EXPECT_EQ(total.load(), 200 * threads);
  }
}

TEST(ThreadPool, SyncOrdersPhases) {
  for (const int threads : kThreadCounts) {
    ThreadPool pool(threads);
    const auto count = static_cast<size_t>(threads);
    for (int run = 0; run < 100; ++run) {
      std::vector<int> values(count, 0);  // not atomic: Sync orders them
      std::vector<int> errors(count, 0);
      pool.Run([&](int thread) {
        const auto self = static_cast<size_t>(thread);
        for (int phase = 1; phase <= 20; ++phase) {
          if (thread == phase % threads && phase % 8 == 0) Burn(microseconds(80));
          values[self] = phase;
          pool.Sync(thread);
          for (const int value : values) errors[self] += value != phase ? 1 : 0;
          pool.Sync(thread);
        }
      });
      ASSERT_EQ(std::accumulate(errors.begin(), errors.end(), 0), 0);
    }
  }
}

TEST(ThreadPool, ParallelForCoversEveryIndexOnceInFixedChunks) {
  for (const int threads : kThreadCounts) {
    ThreadPool pool(threads);
    for (const auto& [begin, end, grain] : std::vector<std::array<int64_t, 3>>{{0, 0, 1},
                                                                               {5, 5, 3},
                                                                               {7, 3, 1},
                                                                               {0, 1, 1},
                                                                               {0, 1000, 1},
                                                                               {3, 1003, 7},
                                                                               {-5, 6, 4},
                                                                               {0, 10, 100},
                                                                               {0, 64, 64},
                                                                               {0, 65, 64}}) {
      std::vector<int> hits(static_cast<size_t>(std::max<int64_t>(end - begin, 0)));
      std::atomic<int> wrong{0};
      pool.ParallelFor(
          begin, end, grain, [&, begin = begin, end = end, grain = grain](int64_t b, int64_t e, int thread) {
            const bool cut =
                (b - begin) % grain == 0 && e == std::min(b + grain, end) && thread >= 0 && thread < threads;
            if (!cut) wrong.fetch_add(1);
            for (int64_t i = b; i < e; ++i) ++hits[static_cast<size_t>(i - begin)];
          });
      EXPECT_EQ(wrong.load(), 0);
      EXPECT_TRUE(std::all_of(hits.begin(), hits.end(), [](int n) { return n == 1; }));
    }
  }
}

TEST(ThreadPool, ChunkCounterWithinARun) {
  ThreadPool pool(3);
  ChunkCounter counter;
  std::vector<std::atomic<int>> hits(500);
  pool.Run([&](int thread) {
    for (int phase = 0; phase < 5; ++phase) {
      for (int64_t i = counter.Next(); i < 500; i = counter.Next()) hits[static_cast<size_t>(i)].fetch_add(1);
      pool.Sync(thread);
      if (thread == 0) counter.Reset();
      pool.Sync(thread);
    }
  });
  EXPECT_TRUE(std::all_of(hits.begin(), hits.end(), [](const auto& n) { return n.load() == 5; }));
}

TEST(ThreadPool, AnyThreadMayCallRun) {
  ThreadPool pool(2);
  std::vector<int> total(2);
  for (int i = 0; i < 20; ++i) {
    std::thread caller([&] { pool.Run([&](int thread) { ++total[static_cast<size_t>(thread)]; }); });
    caller.join();
  }
  EXPECT_EQ(total, (std::vector<int>{20, 20}));
}

TEST(ThreadPool, StartsAndStopsAtOnce) {
  for (int i = 0; i < 100; ++i) ThreadPool pool(1 + i % 5);
  const auto before = std::chrono::steady_clock::now();
  {
    ThreadPool pool(2);
    std::this_thread::sleep_for(milliseconds(5));  // the worker sleeps by now
  }
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
}

TEST(ThreadPool, IdleUsesNoCpu) {
  ThreadPool pool(4);
  pool.Run([](int) {});
  std::this_thread::sleep_for(milliseconds(20));  // spinning is over
  const auto used = [] {
    rusage usage = {};
    getrusage(RUSAGE_SELF, &usage);
    return std::chrono::seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  };
  const auto before = used();
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_LT(used() - before, milliseconds(30));
}

TEST(ThreadPool, PinsWorkersOnlyToAWholeMachine) {
  const CpuTopology topology = DetectTopology();
  EXPECT_FALSE(ThreadPool(topology.physical + 1, true).pinned());
  EXPECT_FALSE(ThreadPool(topology.physical, false).pinned());
  if (topology.physical < 2) GTEST_SKIP() << "one core: there is no worker to pin";
  ThreadPool pool(topology.physical, true);
  EXPECT_TRUE(pool.pinned());
  std::vector<int> cpus(topology.cpus.size());
  pool.Run([&](int thread) { cpus[static_cast<size_t>(thread)] = sched_getcpu(); });
  for (size_t i = 1; i < cpus.size(); ++i) EXPECT_EQ(cpus[i], topology.cpus[i]);
}

TEST(ThreadPoolDeathTest, MisuseIsABug) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  for (const int threads : {1, 2}) {
    EXPECT_EXIT(
        {
          ThreadPool pool(threads);
          pool.Run([&](int thread) {
            if (thread == 0) pool.Run([](int) {});
          });
        },
        testing::ExitedWithCode(1), "Run inside a Run");
    EXPECT_EXIT(
        {
          ThreadPool pool(threads);
          pool.Run([&](int thread) {
            if (thread == 0) pool.ParallelFor(0, 100, 1, [](int64_t, int64_t, int) {});
          });
        },
        testing::ExitedWithCode(1), "inside a Run");
  }
  EXPECT_EXIT(ThreadPool(0), testing::ExitedWithCode(1), "0 threads");
  EXPECT_DEATH(
      {
        ThreadPool pool(2);
        pool.Run([](int thread) {
          if (thread == 1) throw 1;
        });
      },
      "terminate");
}

}  // namespace
}  // namespace spate
