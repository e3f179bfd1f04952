#include "base/rng.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

namespace spate {
namespace {

using Words = std::array<uint32_t, 4>;

// Random123's known answers for philox4x32 with 10 rounds.
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(Philox4x32({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const uint32_t ff = 0xffffffff;
  EXPECT_EQ(Philox4x32({ff, ff, ff, ff}, {ff, ff}), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(UniformAt, InRangeAndKeyedByEverything) {
  const float base = UniformAt(1, 2, 3, 4);
  EXPECT_EQ(base, UniformAt(1, 2, 3, 4));
  EXPECT_NE(base, UniformAt(9, 2, 3, 4));
  EXPECT_NE(base, UniformAt(1 + (uint64_t{1} << 32), 2, 3, 4));
  EXPECT_NE(base, UniformAt(1, 9, 3, 4));
  EXPECT_NE(base, UniformAt(1, 2, 9, 4));
  EXPECT_NE(base, UniformAt(1, 2, 3 + (uint64_t{1} << 32), 4));
  EXPECT_NE(base, UniformAt(1, 2, 3, 5));
  EXPECT_NE(base, UniformAt(1, 2, 3, 8));
  EXPECT_EQ(UniformAt(0, 0, 0, 0), static_cast<float>(0x6627e8d5u >> 8) / 16777216.0f);
  EXPECT_EQ(UniformAt(0, 0, 0, 3), static_cast<float>(0x9b00dbd8u >> 8) / 16777216.0f);
}

TEST(UniformAt, IsUniform) {
  constexpr int kBins = 64;
  constexpr int kDraws = 64 * 4096;
  std::vector<int> bins(kBins);
  for (int i = 0; i < kDraws; ++i) {
    const float u = UniformAt(42, 0, static_cast<uint64_t>(i), 0);
    ASSERT_GE(u, 0.0f);
    ASSERT_LT(u, 1.0f);
    ++bins[static_cast<size_t>(u * kBins)];
  }
  double chi2 = 0;
  for (const int n : bins) chi2 += (n - 4096.0) * (n - 4096.0) / 4096.0;
  EXPECT_LT(chi2, 63 + 5 * std::sqrt(2 * 63.0));
  EXPECT_GT(chi2, 63 - 5 * std::sqrt(2 * 63.0));
}

TEST(FillGaussian, HoweverTheRangeIsSplit) {
  constexpr size_t kCount = 1031;
  constexpr uint64_t kFirst = 1'000'003;
  std::vector<float> whole(kCount);
  FillGaussian(5, 7, kFirst, whole, 0.02f);
  for (const size_t step :
       {size_t{1}, size_t{2}, size_t{3}, size_t{5}, size_t{64}, size_t{255}, size_t{256}, size_t{257}}) {
    std::vector<float> parts(kCount, 99.0f);
    for (size_t i = 0; i < kCount; i += step) {
      FillGaussian(5, 7, kFirst + i, std::span(parts).subspan(i, std::min(step, kCount - i)), 0.02f);
    }
    ASSERT_EQ(std::memcmp(whole.data(), parts.data(), kCount * sizeof(float)), 0) << step;
  }
}

TEST(FillGaussian, WritesNothingElseAndKeysDiffer) {
  std::vector<float> a(12, -1.0f);
  FillGaussian(1, 1, 2, std::span(a).subspan(3, 5), 1.0f);
  for (const size_t i : {0u, 1u, 2u, 8u, 9u, 10u, 11u}) EXPECT_EQ(a[i], -1.0f);
  std::vector<float> b(5), c(5), d(5);
  FillGaussian(1, 1, 2, b, 1.0f);
  FillGaussian(2, 1, 2, c, 1.0f);
  FillGaussian(1, 2, 2, d, 1.0f);
  EXPECT_TRUE(std::equal(b.begin(), b.end(), a.begin() + 3));
  EXPECT_NE(b, c);
  EXPECT_NE(b, d);
  FillGaussian(1, 1, 2, {}, 1.0f);
}

// Box-Muller in double, from the words themselves.
TEST(FillGaussian, IsBoxMuller) {
  std::vector<float> values(4000);
  FillGaussian(3, 11, 0, values, 1.0f);
  const uint64_t key = 3 ^ 0x67617573736961ull;
  for (uint32_t block = 0; block < 1000; ++block) {
    const Words w = Philox4x32({block, 0, 11, 0}, {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)});
    for (size_t pair = 0; pair < 2; ++pair) {
      const double u = ((w[2 * pair] >> 8) + 1.0) * 0x1p-24;
      const double angle = 2 * M_PI * w[2 * pair + 1] * 0x1p-32;
      const double radius = std::sqrt(-2 * std::log(u));
      ASSERT_NEAR(values[4 * block + 2 * pair], radius * std::cos(angle), 2e-6);
      ASSERT_NEAR(values[4 * block + 2 * pair + 1], radius * std::sin(angle), 2e-6);
    }
  }
}

TEST(FillGaussian, HasTheMomentsOfANormal) {
  constexpr size_t kCount = 1 << 20;
  std::vector<float> values(kCount);
  FillGaussian(123, 0, 0, values, 0.02f);
  double sum = 0, sum2 = 0, sum4 = 0;
  for (const float v : values) {
    const double x = v / 0.02;
    sum += x;
    sum2 += x * x;
    sum4 += x * x * x * x;
    ASSERT_LT(std::abs(x), 6);
  }
  EXPECT_NEAR(sum / kCount, 0, 5 / std::sqrt(kCount));
  EXPECT_NEAR(sum2 / kCount, 1, 5 * std::sqrt(2.0 / kCount));
  EXPECT_NEAR(sum4 / kCount, 3, 5 * std::sqrt(96.0 / kCount));
}

}  // namespace
}  // namespace spate
