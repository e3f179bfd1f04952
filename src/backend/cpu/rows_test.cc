// Norms and rotation at every kernel level.
#include <gtest/gtest.h>

#include <cmath>
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
        GetParam()->rows.add_rms_norm(w.data(), 1e-5f, with_delta ? delta.data() : nullptr, x.data(),
                                      in_place ? x.data() : out.data(), dim);
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
