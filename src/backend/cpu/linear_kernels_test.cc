#include "backend/cpu/linear_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "backend/cpu/kernel_levels_for_test.h"
#include "base/half.h"

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

TEST_P(LinearKernelsTest, SiluIsAccurate) {
  std::vector<float> gates;
  for (float x = -80; x < 80; x += 0.0371f) gates.push_back(x);
  for (float x = -1e-3f; x < 1e-3f; x += 1.37e-6f) gates.push_back(x);
  for (const float x : {0.0f, 1e-30f, -1e-30f, 300.0f, 1e30f, 87.0f}) gates.push_back(x);
  while (gates.size() % kTileRows != 0) gates.push_back(0.5f);
  for (size_t i = 0; i < gates.size(); i += kTileRows) {
    alignas(64) float acc[2 * kTileRows], out[kTileRows];
    for (size_t lane = 0; lane < kTileRows; ++lane) {
      acc[lane] = gates[i + lane];
      acc[kTileRows + lane] = 2.0f;
    }
    kernels().gate_silu({.acc = acc,
                         .acc_stride = 2 * kTileRows,
                         .bias = nullptr,
                         .tokens = 1,
                         .tiles = 2,
                         .out = out,
                         .out_stride = kTileRows,
                         .outputs = kTileRows});
    for (size_t lane = 0; lane < kTileRows; ++lane) {
      const double x = acc[lane];
      const double expected = 2 * x / (1 + std::exp(-x));
      EXPECT_NEAR(out[lane], expected, std::abs(expected) * 5e-7) << x;
    }
  }
  // Far below zero nothing but a very small number is left, never NaN; NaN stays.
  alignas(64) float acc[2 * kTileRows] = {-200, -INFINITY, NAN, INFINITY}, out[kTileRows];
  for (int lane = kTileRows; lane < 2 * kTileRows; ++lane) acc[lane] = 1;
  kernels().gate_silu({acc, 2 * kTileRows, nullptr, 1, 2, out, kTileRows, kTileRows});
  EXPECT_LT(std::abs(out[0]), 1e-35f);
  EXPECT_TRUE(std::isnan(out[2]));
  EXPECT_EQ(out[3], INFINITY);
}

INSTANTIATE_TEST_SUITE_P(Levels, LinearKernelsTest, testing::ValuesIn(RunnableKernels()), LevelName());

}  // namespace
}  // namespace spate::cpu
