#include "tests/hostile/allocation_meter.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace spate {
namespace {

TEST(AllocationMeter, SeesTheLargestAndTheSumOnAnyThread) {
  const std::vector<char> before(1'000'000);
  const AllocationMeter meter;
  EXPECT_EQ(meter.peak_live(), 0u);
  std::thread([] { const std::vector<char> first(100'000), second(150'000); }).join();
  const std::vector<char> after(200'000);
  EXPECT_EQ(meter.largest(), 200'000u);
  EXPECT_GE(meter.peak_live(), 250'000u);
  EXPECT_LT(meter.peak_live(), 300'000u);
}

}  // namespace
}  // namespace spate
