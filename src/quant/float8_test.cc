#include "quant/float8.h"

#include <gtest/gtest.h>

#include <cmath>

namespace spate {
namespace {

TEST(Float8, E4M3) {
  EXPECT_EQ(ToFloatE4M3(0x00), 0.0f);
  EXPECT_TRUE(std::signbit(ToFloatE4M3(0x80)));
  EXPECT_EQ(ToFloatE4M3(0x01), 0x1p-9f);  // the smallest
  EXPECT_EQ(ToFloatE4M3(0x07), 7 * 0x1p-9f);
  EXPECT_EQ(ToFloatE4M3(0x08), 0x1p-6f);  // the smallest normal
  EXPECT_EQ(ToFloatE4M3(0x38), 1.0f);
  EXPECT_EQ(ToFloatE4M3(0xB9), -1.125f);
  EXPECT_EQ(ToFloatE4M3(0x7E), 448.0f);  // the largest
  EXPECT_TRUE(std::isnan(ToFloatE4M3(0x7F)));
}

TEST(Float8, E5M2) {
  EXPECT_EQ(ToFloatE5M2(0x01), 0x1p-16f);
  EXPECT_EQ(ToFloatE5M2(0x04), 0x1p-14f);
  EXPECT_EQ(ToFloatE5M2(0x3C), 1.0f);
  EXPECT_EQ(ToFloatE5M2(0x7B), 57344.0f);
  EXPECT_EQ(ToFloatE5M2(0xFC), -INFINITY);
  EXPECT_TRUE(std::isnan(ToFloatE5M2(0x7D)));
}

}  // namespace
}  // namespace spate
