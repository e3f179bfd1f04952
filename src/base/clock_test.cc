#include "base/clock.h"

#include <gtest/gtest.h>

namespace spate {
namespace {

TEST(Clock, SteadyNeverGoesBack) {
  const SteadyClock clock;
  int64_t last = clock.NowNs();
  for (int i = 0; i < 10000; ++i) {
    const int64_t now = clock.NowNs();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(Clock, ManualMovesOnlyWhenTold) {
  ManualClock clock(5);
  const Clock& seen = clock;
  EXPECT_EQ(seen.NowNs(), 5);
  clock.AdvanceNs(2'000'000'000);
  EXPECT_EQ(seen.NowNs(), 2'000'000'005);
  EXPECT_DOUBLE_EQ(seen.NowSeconds(), 2.000000005);
}

}  // namespace
}  // namespace spate
