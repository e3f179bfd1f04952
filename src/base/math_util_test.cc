#include "base/math_util.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <limits>

namespace spate {
namespace {

constexpr uint64_t kMaxU64 = std::numeric_limits<uint64_t>::max();
constexpr int64_t kMaxI64 = std::numeric_limits<int64_t>::max();

TEST(MathUtil, CeilDivAndAlignUp) {
  EXPECT_EQ(CeilDiv(0, 4), 0);
  EXPECT_EQ(CeilDiv(1, 4), 1);
  EXPECT_EQ(CeilDiv(4, 4), 1);
  EXPECT_EQ(CeilDiv(5, 4), 2);
  EXPECT_EQ(CeilDiv(kMaxU64, 2u), (uint64_t{1} << 63)) << "a + b - 1 would overflow";
  EXPECT_EQ(AlignUp(size_t{0}, 64), 0u);
  EXPECT_EQ(AlignUp(size_t{1}, 64), 64u);
  EXPECT_EQ(AlignUp(size_t{64}, 64), 64u);
  EXPECT_EQ(AlignUp(100, 48), 144);
}

TEST(MathUtil, CheckedMulAndAdd) {
  EXPECT_EQ(CheckedMul(uint64_t{1} << 32, uint64_t{1} << 31), uint64_t{1} << 63);
  EXPECT_EQ(CheckedMul(uint64_t{1} << 32, uint64_t{1} << 32), std::nullopt);
  EXPECT_EQ(CheckedMul(kMaxI64, int64_t{2}), std::nullopt);
  EXPECT_EQ(CheckedMul(int64_t{-1}, std::numeric_limits<int64_t>::min()), std::nullopt);
  EXPECT_EQ(CheckedAdd(kMaxU64, uint64_t{0}), kMaxU64);
  EXPECT_EQ(CheckedAdd(kMaxU64, uint64_t{1}), std::nullopt);
  EXPECT_EQ(CheckedAdd(kMaxI64, int64_t{1}), std::nullopt);
  EXPECT_EQ(CheckedAdd(size_t{1}, size_t{2}), size_t{3});
}

TEST(MathUtil, CheckedProduct) {
  EXPECT_EQ(CheckedProduct(std::array<int64_t, 0>{}), 1);
  EXPECT_EQ(CheckedProduct(std::array<int64_t, 3>{2, 3, 5}), 30);
  EXPECT_EQ(CheckedProduct(std::array<int64_t, 2>{int64_t{1} << 32, int64_t{1} << 31}), std::nullopt);
  EXPECT_EQ(CheckedProduct(std::array<int64_t, 3>{kMaxI64, kMaxI64, 0}), std::nullopt) << "order must not matter much";
  EXPECT_EQ(CheckedProduct(std::array<int64_t, 3>{0, kMaxI64, kMaxI64}), 0);
  EXPECT_EQ(CheckedProduct(std::array<int64_t, 2>{0, -1}), std::nullopt);
}

TEST(MathUtilDeathTest, NarrowChecks) {
  EXPECT_EQ(Narrow<int>(int64_t{-5}), -5);
  EXPECT_EQ(Narrow<uint8_t>(255), 255);
  EXPECT_EXIT(Narrow<uint8_t>(256), testing::ExitedWithCode(1), "256 does not fit into 8 bits");
  EXPECT_EXIT(Narrow<size_t>(-1), testing::ExitedWithCode(1), "-1 does not fit");
  EXPECT_EXIT(Narrow<int>(uint64_t{1} << 31), testing::ExitedWithCode(1), "does not fit into 32 bits");
}

}  // namespace
}  // namespace spate
