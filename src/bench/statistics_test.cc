#include "bench/statistics.h"

#include <gtest/gtest.h>

#include <vector>

namespace spate {
namespace {

TEST(Statistics, OfFewAndNone) {
  const std::vector<double> none, one{3}, odd{5, 1, 3}, even{4, 1, 3, 2};
  EXPECT_EQ(Mean(none), 0);
  EXPECT_EQ(Median(none), 0);
  EXPECT_EQ(StandardDeviation(one), 0);
  EXPECT_EQ(Median(one), 3);
  EXPECT_EQ(Median(odd), 3);
  EXPECT_EQ(Median(even), 2.5);
  EXPECT_EQ(Mean(even), 2.5);
  EXPECT_DOUBLE_EQ(StandardDeviation(odd), 2);  // squares 4 + 4 + 0, over n - 1 = 2
}

}  // namespace
}  // namespace spate
