// Norms, rotation and what is done value by value, at every kernel level.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "backend/cpu/kernel_levels_for_test.h"

namespace spate::cpu {
namespace {

constexpr float kSentinel = 1234.5f;

std::vector<float> Random(int count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> values;
  for (int i = 0; i < count; ++i) values.push_back(static_cast<float>(random() % 2001) / 1e3f - 1);
  return values;
}

class CpuRowsTest : public testing::TestWithParam<const KernelTable*> {};

TEST_P(CpuRowsTest, AddRmsNorm) {
  for (const int dim : {1, 2, 15, 16, 17, 31, 48, 63, 64, 65, 100, 128, 129, 2048, 2050}) {
    for (const bool with_delta : {false, true}) {
      for (const bool in_place : {false, true}) {
        std::vector<float> x = Random(dim, 1), delta = Random(dim, 2), w = Random(dim, 3), sum = x;
        std::vector<float> out(static_cast<size_t>(dim));
        if (with_delta) {
          for (size_t i = 0; i < sum.size(); ++i) sum[i] += delta[i];
        }
        x.push_back(kSentinel);
        out.push_back(kSentinel);
        GetParam()->rows.add_rms_norm({.w = w.data(),
                                       .bias = nullptr,
                                       .delta = with_delta ? delta.data() : nullptr,
                                       .eps = 1e-5f,
                                       .x = x.data(),
                                       .out = in_place ? x.data() : out.data(),
                                       .dim = dim});
        double squares = 0;
        for (const float value : sum) squares += static_cast<double>(value) * static_cast<double>(value);
        const double scale = 1 / std::sqrt(squares / dim + 1e-5);
        for (size_t i = 0; i < sum.size(); ++i) {
          const double expected = static_cast<double>(sum[i]) * scale * static_cast<double>(w[i]);
          const float result = in_place ? x[i] : out[i];
          // The sum of squares has only positive terms: relative error below dim * epsilon, halved by the root.
          ASSERT_NEAR(result, expected, std::abs(expected) * (dim / 2 + 4) * 0x1p-24) << dim << " at " << i;
          if (!in_place) {
            ASSERT_EQ(x[i], sum[i]);
          }
        }
        ASSERT_EQ(x.back(), kSentinel);
        ASSERT_EQ(out.back(), kSentinel);
      }
    }
  }
}

TEST_P(CpuRowsTest, AddLayerNorm) {
  for (const int dim : {1, 2, 15, 16, 17, 31, 64, 65, 100, 129, 2050}) {
    for (const bool with_delta : {false, true}) {
      for (const bool with_bias : {false, true}) {
        std::vector<float> x = Random(dim, 1), delta = Random(dim, 2), w = Random(dim, 3), bias = Random(dim, 4);
        for (float& value : x) value += 3;  // a mean that matters
        std::vector<double> sum;
        double mean = 0, squares = 0;
        for (size_t i = 0; i < x.size(); ++i) {
          sum.push_back(static_cast<double>(with_delta ? x[i] + delta[i] : x[i]));
          mean += sum[i] / dim;
        }
        for (const double value : sum) squares += (value - mean) * (value - mean);
        const double scale = 1 / std::sqrt(squares / dim + 1e-5);
        x.push_back(kSentinel);
        std::vector<float> out(x.size(), kSentinel);
        GetParam()->rows.add_layer_norm({.w = w.data(),
                                         .bias = with_bias ? bias.data() : nullptr,
                                         .delta = with_delta ? delta.data() : nullptr,
                                         .eps = 1e-5f,
                                         .x = x.data(),
                                         .out = out.data(),
                                         .dim = dim});
        for (size_t i = 0; i < sum.size(); ++i) {
          const double expected =
              (sum[i] - mean) * scale * static_cast<double>(w[i]) + (with_bias ? static_cast<double>(bias[i]) : 0);
          // As in tests/conformance_norm.cc, with sums of 64 lanes: |x| is below 5, |w| below 1.
          const double relative = 2 * 5 * scale * (dim / 64 + 12) * 0x1p-24;
          ASSERT_NEAR(out[i], expected, relative * 2 * (1 + std::abs(sum[i] - mean) * scale)) << dim << " at " << i;
          ASSERT_EQ(static_cast<double>(x[i]), sum[i]);
        }
        ASSERT_EQ(x.back(), kSentinel);
        ASSERT_EQ(out.back(), kSentinel);
      }
    }
  }
}

TEST_P(CpuRowsTest, AddWritesTheRowOnly) {
  for (const int count : {1, 15, 16, 17, 40}) {
    std::vector<float> x = Random(count, 1), delta = Random(count, 2), expected = x;
    for (size_t i = 0; i < expected.size(); ++i) expected[i] += delta[i];
    x.push_back(kSentinel);
    expected.push_back(kSentinel);
    GetParam()->rows.add(delta.data(), x.data(), count);
    EXPECT_EQ(x, expected);
  }
}

TEST_P(CpuRowsTest, SoftcapIsAccurateAtEveryMagnitude) {
  std::vector<float> values = {0.0f, 1e-30f, 3e-6f, 1e30f, std::numeric_limits<float>::infinity()};
  for (float x = 1e-4f; x < 40; x *= 1.0007f) values.push_back(x);
  for (float x = 0.61f; x < 0.64f; x += 1.1e-5f) values.push_back(2 * x);  // where the two formulas meet
  const size_t positive = values.size();
  for (size_t i = 0; i < positive; ++i) values.push_back(-values[i]);
  std::vector<float> x = values;
  x.push_back(std::numeric_limits<float>::quiet_NaN());
  x.push_back(kSentinel);
  GetParam()->rows.softcap(2.0f, x.data(), static_cast<int64_t>(x.size()) - 1);
  for (size_t i = 0; i < values.size(); ++i) {
    const double expected = 2 * std::tanh(static_cast<double>(values[i]) / 2);
    ASSERT_NEAR(x[i], expected, std::abs(expected) * 0x1p-21) << values[i];
  }
  EXPECT_TRUE(std::isnan(x[values.size()]));
  EXPECT_EQ(x.back(), kSentinel);
}

TEST_P(CpuRowsTest, RotationWritesTheHeadOnly) {
  for (const int head_dim : {1, 2, 7, 32, 33, 64, 100}) {
    for (const int pairs : {0, head_dim / 4, head_dim / 2}) {
      const std::vector<float> in = Random(head_dim, 1), cos = Random(pairs, 2), sin = Random(pairs, 3);
      for (const bool half : {false, true}) {
        std::vector<float> out(in.size() + 1, kSentinel);
        const auto rotate = half ? GetParam()->rows.rotate_half : GetParam()->rows.rotate_interleaved;
        rotate(in.data(), cos.data(), sin.data(), pairs, head_dim, out.data());
        std::vector<float> expected = in;
        for (int i = 0; i < pairs; ++i) {
          const size_t p = static_cast<size_t>(i);
          const size_t a = half ? p : 2 * p;
          const size_t b = half ? p + static_cast<size_t>(pairs) : 2 * p + 1;
          expected[a] = in[a] * cos[p] - in[b] * sin[p];
          expected[b] = in[b] * cos[p] + in[a] * sin[p];
        }
        expected.push_back(kSentinel);
        EXPECT_EQ(out, expected) << head_dim << ", " << pairs << " pairs";
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, CpuRowsTest, testing::ValuesIn(RunnableKernels()), LevelName());

}  // namespace
}  // namespace spate::cpu
