#include "backend/cpu/linear_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include "backend/cpu/kernel_levels_for_test.h"
#include "base/half.h"
#include "quant/int8_group.h"

namespace spate::cpu {
namespace {

class LinearKernelsTest : public testing::TestWithParam<const KernelTable*> {
 protected:
  const LinearKernels& kernels() const { return GetParam()->linear; }
};

std::vector<float> AllMagnitudes(size_t count) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> exponent(-120, 120), mantissa(-2, 2);
  std::vector<float> values = {0.0f, -0.0f, 1.0f, 1.00390625f, 1.01171875f, -3.0e38f, 3.4e38f, INFINITY, -INFINITY};
  while (values.size() < count) values.push_back(std::ldexp(mantissa(random), static_cast<int>(exponent(random))));
  values.resize(count);
  return values;
}

TEST_P(LinearKernelsTest, RoundsActivationsAsDefined) {
  for (const int64_t k : {1, 2, 15, 16, 17, 31, 100, 1001}) {
    const std::vector<float> x = AllMagnitudes(static_cast<size_t>(k));
    const size_t even = static_cast<size_t>(k + k % 2);
    std::vector<uint16_t> half(even + 1, 0xabcd);
    std::vector<float> rounded(even + 1, 5.0f);
    kernels().to_bf16(x.data(), k, half.data());
    kernels().round_to_bf16(x.data(), k, rounded.data());
    for (size_t i = 0; i < even; ++i) {
      const Bf16 expected = i < x.size() ? ToBf16(x[i]) : Bf16{0};
      EXPECT_EQ(half[i], expected.bits) << i << " of " << k;
      EXPECT_EQ(FloatBits(rounded[i]), FloatBits(ToFloat(expected))) << i << " of " << k;
    }
    EXPECT_EQ(half[even], 0xabcd) << k;
    EXPECT_EQ(rounded[even], 5.0f) << k;
  }
}

TEST_P(LinearKernelsTest, MakesInt8AsDefined) {
  constexpr int64_t kCols = 40 * kInt8Group;
  std::vector<float> x = AllMagnitudes(static_cast<size_t>(kCols));
  for (size_t i = 2 * kInt8Group; i < x.size(); ++i) x[i] = std::fmod(x[i], 100.0f) * std::ldexp(1.0f, int(i % 7));
  for (size_t i = 0; i < kInt8Group; ++i) x[3 * kInt8Group + i] = 0;
  for (size_t i = 0; i < kInt8Group; ++i) x[5 * kInt8Group + i] = 1e-31f;
  x[4 * kInt8Group + 31] = NAN;
  x[6 * kInt8Group] = INFINITY;
  std::vector<std::byte> out(40 * Int8Layout::kGroupBytes + 1, std::byte{0x5a});
  kernels().to_int8(x.data(), kCols, out.data());
  EXPECT_EQ(out.back(), std::byte{0x5a});
  for (int64_t g = 0; g < 40; ++g) {
    const Int8Group expected = QuantizeInt8(&x[static_cast<size_t>(g * kInt8Group)]);
    const std::byte* group = out.data() + g * Int8Layout::kGroupBytes;
    const auto number = [&](int at) {
      float value;
      std::memcpy(&value, group + at, sizeof(value));
      return value;
    };
    if (std::isnan(expected.scale)) {
      EXPECT_TRUE(std::isnan(number(Int8Layout::kScale))) << g;
    } else {
      EXPECT_EQ(number(Int8Layout::kScale), expected.scale) << g;
    }
    EXPECT_EQ(std::memcmp(group, expected.levels, kInt8Group), 0) << g;
    int sums[2] = {};
    for (int i = 0; i < kInt8Group; ++i) sums[i / 16] += expected.levels[i];
    EXPECT_EQ(number(Int8Layout::kZero8), static_cast<float>(12582912 + 8 * (sums[0] + sums[1]))) << g;
    EXPECT_EQ(number(Int8Layout::kZero128), static_cast<float>(12582912 + 128 * (sums[0] + sums[1]))) << g;
    EXPECT_EQ(number(Int8Layout::kZero32), static_cast<float>(12582912 + 32 * sums[0])) << g;
    EXPECT_EQ(number(Int8Layout::kZero32 + 4), static_cast<float>(12582912 + 32 * sums[1])) << g;
    if (std::isfinite(expected.scale)) {
      EXPECT_EQ(number(Int8Layout::kScaledSum), expected.scale * static_cast<float>(sums[0] + sums[1])) << g;
    }
  }
}

TEST_P(LinearKernelsTest, RoundsWeightsAsDefined) {
  std::vector<float> values = AllMagnitudes(1003);
  values.insert(values.end(), {NAN, -NAN, 1e-40f, -2e-45f, std::numeric_limits<float>::min()});
  std::vector<std::byte> bytes(values.size() * 4 + 1);  // at an odd address, as a file may have it
  std::memcpy(bytes.data() + 1, values.data(), values.size() * 4);
  for (const size_t count : {size_t{1}, size_t{17}, values.size()}) {
    std::vector<uint16_t> out(count + 1, 0xabcd);
    const size_t from = values.size() - count;
    kernels().f32_to_bf16(bytes.data() + 1 + 4 * from, static_cast<int64_t>(count), out.data());
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(out[i], ToBf16(values[from + i]).bits) << values[from + i];
    EXPECT_EQ(out[count], 0xabcd);
  }
}

// Reads back what multiply makes of every half: 1 * weight.
TEST_P(LinearKernelsTest, WidensEveryHalfExactly) {
  const float one = 1.0f;
  alignas(64) uint16_t w[kTileRows];
  alignas(64) float acc[kTileRows];
  for (uint32_t base = 0; base < 0x10000; base += kTileRows) {
    for (uint32_t lane = 0; lane < kTileRows; ++lane) w[lane] = static_cast<uint16_t>(base + lane);
    kernels().f16.multiply[0][0]({.w = reinterpret_cast<const std::byte*>(w),
                                  .step_bytes = 0,
                                  .x = reinterpret_cast<const std::byte*>(&one),
                                  .token_bytes = 0,
                                  .steps = 1,
                                  .acc = acc,
                                  .acc_stride = kTileRows,
                                  .first = true,
                                  .prefetch = reinterpret_cast<const std::byte*>(w),
                                  .prefetch_stride = 0});
    for (int lane = 0; lane < kTileRows; ++lane) {
      const float expected = ToFloat(F16{w[lane]});
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(acc[lane])) << std::hex << w[lane];
      } else {
        EXPECT_EQ(acc[lane], expected) << std::hex << w[lane];
      }
    }
  }
}

double Exact(Act act, double x) {
  switch (act) {
    case Act::kSilu:
      return x / (1 + std::exp(-x));
    case Act::kGeluErf:
      return x * std::erfc(-x / std::sqrt(2.0)) / 2;
    case Act::kGeluTanh:
      return x / (1 + std::exp(-2 * std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Act::kRelu:
      return x > 0 ? x : 0;
    case Act::kReluSquared:
      return x > 0 ? x * x : 0;
  }
  return 0;
}

// Relative, as kernels/activations.h derives them.
double Bound(Act act, double x) {
  switch (act) {
    case Act::kSilu:
      return 0x1p-20;
    case Act::kGeluErf:
      return 0x1p-20 + x * x * 0x1p-24;
    case Act::kGeluTanh:
      return 0x1p-20 + 0.8 * std::abs(x + 0.044715 * x * x * x) * 0x1p-21;
    case Act::kRelu:
    case Act::kReluSquared:
      return 0x1p-24;
  }
  return 0;
}

constexpr Act kEveryAct[] = {Act::kSilu, Act::kGeluErf, Act::kGeluTanh, Act::kRelu, Act::kReluSquared};

TEST_P(LinearKernelsTest, ActivationsAreAccurateGatedAndNot) {
  std::vector<float> inputs;
  for (float x = -80; x < 80; x += 0.0371f) inputs.push_back(x);
  for (float x = -6; x < 6; x += 7.1e-4f) inputs.push_back(x);
  for (float x = -1e-3f; x < 1e-3f; x += 1.37e-6f) inputs.push_back(x);
  for (const float x : {0.0f, 1e-30f, -1e-30f, 300.0f, 1e18f, 87.0f, -300.0f}) inputs.push_back(x);
  while (inputs.size() % kTileRows != 0) inputs.push_back(0.5f);
  for (const Act act : kEveryAct) {
    const FinishFn plain = kernels().act[static_cast<size_t>(act)], gate = kernels().gate[static_cast<size_t>(act)];
    for (size_t i = 0; i < inputs.size(); i += kTileRows) {
      alignas(64) float acc[2 * kTileRows], out[kTileRows], gated[kTileRows];
      for (size_t lane = 0; lane < kTileRows; ++lane) {
        acc[lane] = inputs[i + lane];
        acc[kTileRows + lane] = 2.0f;  // exact: both ways have the same bits but for the factor
      }
      plain({acc, 2 * kTileRows, nullptr, 1, 1, out, kTileRows, kTileRows});
      gate({acc, 2 * kTileRows, nullptr, 1, 2, gated, kTileRows, kTileRows});
      for (size_t lane = 0; lane < kTileRows; ++lane) {
        const double x = acc[lane];
        const double expected = Exact(act, x);
        // Where the exp would overflow or be subnormal, it stays near 2^127 or becomes 0.
        ASSERT_NEAR(out[lane], expected, std::abs(expected) * Bound(act, x) + (1 + std::abs(x)) * 0x1p-126)
            << "activation " << static_cast<int>(act) << " of " << x;
        ASSERT_EQ(gated[lane], 2 * out[lane]) << "activation " << static_cast<int>(act) << " of " << x;
      }
    }
    // Far below zero nothing but a very small number is left, never NaN; NaN stays.
    alignas(64) float acc[kTileRows] = {-200, -1e10f, NAN, INFINITY}, out[kTileRows];
    kernels().act[static_cast<size_t>(act)]({acc, kTileRows, nullptr, 1, 1, out, kTileRows, kTileRows});
    EXPECT_LT(std::abs(out[0]), 1e-35f);
    EXPECT_LT(std::abs(out[1]), 1e-27f);
    EXPECT_TRUE(std::isnan(out[2]));
    EXPECT_EQ(out[3], INFINITY);
  }
}

TEST_P(LinearKernelsTest, StoreAndAddScale) {
  alignas(64) float acc[kTileRows], bias[kTileRows];
  for (int i = 0; i < kTileRows; ++i) {
    acc[i] = 0.125f * static_cast<float>(i);
    bias[i] = 3;
  }
  std::vector<float> out(kTileRows, 100.0f);
  for (const bool add : {false, true}) {
    const FinishFn finish = add ? kernels().add : kernels().store;
    finish({acc, kTileRows, bias, 1, 1, out.data(), kTileRows, kTileRows - 1, 0.5f});
    for (size_t i = 0; i + 1 < out.size(); ++i) {
      EXPECT_EQ(out[i], (add ? 2 : 1) * 0.5f * (acc[i] + 3)) << i;  // added to what was stored
    }
    EXPECT_EQ(out.back(), 100.0f);
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, LinearKernelsTest, testing::ValuesIn(RunnableKernels()), LevelName());

}  // namespace
}  // namespace spate::cpu
