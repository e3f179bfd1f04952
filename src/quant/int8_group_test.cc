#include "quant/int8_group.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace spate {
namespace {

TEST(Int8Group, IsOffByHalfAStepAtMost) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (const float size : {1.0f, 1e-20f, 1e20f, 1e-29f, 1e37f}) {
    float values[kInt8Group];
    float largest = 0;
    for (float& value : values) {
      value = size * normal(random);
      largest = std::max(largest, std::fabs(value));
    }
    const Int8Group group = QuantizeInt8(values);
    EXPECT_FLOAT_EQ(group.scale, largest / 127);
    int most = 0;
    for (int i = 0; i < kInt8Group; ++i) {
      EXPECT_NEAR(group.scale * static_cast<float>(group.levels[i]), values[i], 0.5001f * group.scale);
      most = std::max(most, std::abs(int{group.levels[i]}));
    }
    EXPECT_EQ(most, 127);
  }
}

TEST(Int8Group, TiesGoToEven) {
  float values[kInt8Group] = {127, 0.5f, 1.5f, -2.5f, -3.5f};
  const Int8Group group = QuantizeInt8(values);
  EXPECT_EQ(group.scale, 1.0f);
  EXPECT_EQ(group.levels[1], 0);
  EXPECT_EQ(group.levels[2], 2);
  EXPECT_EQ(group.levels[3], -2);
  EXPECT_EQ(group.levels[4], -4);
}

TEST(Int8Group, ZerosAndWhatIsNotFinite) {
  float values[kInt8Group] = {};
  values[5] = 9e-31f;
  const Int8Group zeros = QuantizeInt8(values);
  for (const int8_t level : zeros.levels) EXPECT_EQ(level, 0);
  EXPECT_LT(zeros.scale, 1e-30f);
  values[7] = -std::numeric_limits<float>::infinity();
  EXPECT_TRUE(std::isinf(QuantizeInt8(values).scale));
  for (const int at : {0, 8, 31}) {
    float with_nan[kInt8Group] = {3, 1};
    with_nan[30] = values[7];
    with_nan[at] = std::nanf("");
    EXPECT_TRUE(std::isnan(QuantizeInt8(with_nan).scale)) << at;
  }
}

}  // namespace
}  // namespace spate
