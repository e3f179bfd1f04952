#include "backend/cpu/cpu_attend.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "backend/cpu/attend_harness_for_test.h"
#include "backend/cpu/kernel_levels_for_test.h"
#include "base/half.h"

namespace spate::cpu {
namespace {

// head[i] rotated in f32, as rounding keys to bf16 shows every bit of it.
std::vector<float> Rotated(const RopeTable& rope, int position, const float* head, int head_dim) {
  std::vector<float> out(head, head + head_dim);
  const int pairs = static_cast<int>(rope.inv_freq.size());
  for (int i = 0; i < pairs; ++i) {
    const int a = rope.style == RopeStyle::kHalf ? i : 2 * i;
    const int b = rope.style == RopeStyle::kHalf ? i + pairs : 2 * i + 1;
    const float angle = static_cast<float>(position) * rope.inv_freq[static_cast<size_t>(i)];
    const double magnitude = static_cast<double>(rope.magnitude);
    const float c = static_cast<float>(std::cos(static_cast<double>(angle)) * magnitude);
    const float s = static_cast<float>(std::sin(static_cast<double>(angle)) * magnitude);
    out[static_cast<size_t>(a)] = head[a] * c - head[b] * s;
    out[static_cast<size_t>(b)] = head[b] * c + head[a] * s;
  }
  return out;
}

double Stored(float value, DType dtype) {
  return static_cast<double>(dtype == DType::kF32 ? value : ToFloat(ToBf16(value)));
}

// The largest |out - expected| / bound of a sequence. The bound is what f32 may lose: score sums of head_dim products,
// weights by a polynomial, sums over keys.
double WorstError(const AttentionShape& shape, const OpsConfig& config, const AttentionSequence& sequence) {
  const AttnSpec spec = shape.Spec();
  const size_t head_dim = static_cast<size_t>(spec.head_dim);
  const size_t length = static_cast<size_t>(sequence.length);
  const size_t width = static_cast<size_t>(spec.QkvWidth());
  double worst = 0;
  for (int kv_head = 0; kv_head < spec.kv_heads; ++kv_head) {
    std::vector<double> keys, values;
    for (size_t t = 0; t < length; ++t) {
      const float* k = sequence.qkv.data() + t * width + (spec.heads + kv_head) * spec.head_dim;
      for (float v : Rotated(config.ropes[0], static_cast<int>(t), k, spec.head_dim))
        keys.push_back(Stored(v, shape.kv));
      for (size_t d = 0; d < head_dim; ++d) {
        values.push_back(Stored(k[static_cast<size_t>(spec.kv_heads) * head_dim + d], shape.kv));
      }
    }
    const int sharing = spec.heads / spec.kv_heads;
    for (size_t t = 0; t < length; ++t) {
      for (int head = kv_head * sharing; head < (kv_head + 1) * sharing; ++head) {
        const std::vector<float> q = Rotated(config.ropes[0], static_cast<int>(t),
                                             sequence.qkv.data() + t * width + head * spec.head_dim, spec.head_dim);
        std::vector<double> scores(t + 1);
        double magnitude = 0, max = -std::numeric_limits<double>::infinity(), sum = 0;
        for (size_t p = 0; p <= t; ++p) {
          double size = 0;
          for (size_t d = 0; d < head_dim; ++d) {
            const double product = static_cast<double>(q[d]) * keys[p * head_dim + d] * static_cast<double>(spec.scale);
            scores[p] += product;
            size += std::abs(product);
          }
          magnitude = std::max(magnitude, size);
          max = std::max(max, scores[p]);
        }
        for (double& score : scores) sum += score = std::exp(score - max);
        const double bound =
            0x1p-24 * (static_cast<double>(head_dim + 8) * magnitude + static_cast<double>(t) / 4 + 32);
        for (size_t d = 0; d < head_dim; ++d) {
          double expected = 0;
          for (size_t p = 0; p <= t; ++p) expected += scores[p] / sum * values[p * head_dim + d];
          const float out =
              sequence.out[t * static_cast<size_t>(spec.QueryWidth()) + static_cast<size_t>(head) * head_dim + d];
          const double error = std::abs(static_cast<double>(out) - expected) / bound;
          worst = std::isnan(error) ? std::numeric_limits<double>::infinity() : std::max(worst, error);
        }
      }
    }
  }
  return worst;
}

class CpuAttendTest : public testing::TestWithParam<const KernelTable*> {
 protected:
  // All sequences in chunks on `threads` threads.
  std::vector<AttentionSequence> Run(const AttentionShape& shape, std::span<const int> lengths, int chunk, int threads,
                                     uint32_t block_seed = 1) {
    AttentionSteps steps(shape, lengths, 7, block_seed);
    ThreadPool pool(threads);
    AttentionRunner runner(steps.Config(), *GetParam(), pool);
    steps.RunAll(runner, chunk);
    return steps.sequences();
  }
  void ExpectRight(const AttentionShape& shape, std::span<const int> lengths, int chunk, int threads) {
    const OpsConfig config = AttentionSteps(shape, lengths, 7, 1).Config();
    for (const AttentionSequence& sequence : Run(shape, lengths, chunk, threads)) {
      EXPECT_LT(WorstError(shape, config, sequence), 1) << sequence.length << " positions in chunks of " << chunk;
    }
  }
};

TEST_P(CpuAttendTest, AgreesWithPlainLoops) {
  constexpr int kLengths[] = {1, 2, 15, 16, 17, 33, 255, 256, 257, 300};
  for (const DType kv : {DType::kF32, DType::kBF16}) ExpectRight({.kv = kv}, kLengths, 1000, 2);
}

TEST_P(CpuAttendTest, ManyParts) {
  constexpr int kLengths[] = {600};
  ExpectRight({.heads = 6, .kv_heads = 2, .head_dim = 16, .rotated = 16, .kv = DType::kBF16}, kLengths, 600, 1);
}

TEST_P(CpuAttendTest, EveryHeadShape) {
  constexpr int kLengths[] = {40, 19};
  for (const DType kv : {DType::kF32, DType::kBF16}) {
    for (const int head_dim : {1, 2, 3, 15, 16, 17, 48, 63, 64, 65, 80, 96, 112, 128, 256}) {
      const int rotated = head_dim / 2 * 2;
      SCOPED_TRACE(head_dim);
      ExpectRight({.heads = 4, .kv_heads = 2, .head_dim = head_dim, .rotated = rotated, .kv = kv}, kLengths, 9, 2);
    }
    for (const int sharing : {1, 2, 3, 5, 7, 8, 9, 71}) {
      SCOPED_TRACE(sharing);
      ExpectRight({.heads = 2 * sharing, .kv_heads = 2, .head_dim = 20, .rotated = 20, .kv = kv}, kLengths, 40, 2);
    }
  }
}

TEST_P(CpuAttendTest, RotatesPairsInEitherStyleAndLeavesTheRest) {
  constexpr int kLengths[] = {37};
  for (const RopeStyle style : {RopeStyle::kHalf, RopeStyle::kInterleaved}) {
    for (const int rotated : {0, 2, 32, 40, 64}) {
      SCOPED_TRACE(rotated);
      ExpectRight({.heads = 2, .kv_heads = 1, .head_dim = 64, .rotated = rotated, .style = style}, kLengths, 37, 1);
    }
  }
}

// A token's bits: alone, among neighbours, in chunks of any size, on any number of threads, in any blocks.
TEST_P(CpuAttendTest, SameBitsHoweverItIsComputed) {
  for (const DType kv : {DType::kF32, DType::kBF16}) {
    for (const int sharing : {1, 3, 4}) {
      const AttentionShape shape{.heads = 2 * sharing, .kv_heads = 2, .head_dim = 24, .rotated = 24, .kv = kv};
      constexpr int kAlone[] = {530};
      const std::vector<float> expected = Run(shape, kAlone, 530, 1)[0].out;
      for (const int chunk : {1, 5, 16, 64, 257}) {
        for (const int threads : {1, 2, 3}) {
          const std::vector<AttentionSequence> runs = Run(shape, kAlone, chunk, threads, 5);
          ASSERT_EQ(runs[0].out, expected) << "chunk " << chunk << ", " << threads << " threads";
        }
      }
      constexpr int kNeighbours[] = {3, 530, 1, 270, 100};
      for (const int chunk : {7, 64, 1000}) {
        const std::vector<AttentionSequence> runs = Run(shape, kNeighbours, chunk, 3, 9);
        ASSERT_EQ(runs[1].out, expected) << "with neighbours, chunk " << chunk;
      }
    }
  }
}

// One sequence, one key/value head, three threads: parts are tasks of their own and merged afterwards.
TEST_P(CpuAttendTest, DecodeOfLongContextSharesPartsOut) {
  const AttentionShape shape{.heads = 4, .kv_heads = 1, .head_dim = 64, .rotated = 64, .kv = DType::kBF16};
  constexpr int kLengths[] = {1300, 700};
  AttentionSteps one(shape, kLengths, 3, 1), three(shape, kLengths, 3, 2);
  ThreadPool one_thread(1), three_threads(3);
  AttentionRunner one_runner(one.Config(), *GetParam(), one_thread);
  AttentionRunner three_runner(three.Config(), *GetParam(), three_threads);
  constexpr int kPrompts[] = {1290, 690};
  one.Step(one_runner, kPrompts);
  three.Step(three_runner, kPrompts);
  constexpr int kFirst[] = {1, 0}, kBoth[] = {1, 1};
  one.Step(one_runner, kFirst);
  three.Step(three_runner, kFirst);
  for (int i = 0; i < 9; ++i) {
    one.Step(one_runner, kBoth);
    three.Step(three_runner, kBoth);
  }
  for (size_t s = 0; s < 2; ++s) ASSERT_EQ(one.sequences()[s].out, three.sequences()[s].out);
  EXPECT_LT(WorstError(shape, one.Config(), one.sequences()[0]), 1);
}

// What lies in unused places of a block belongs to others and may be anything, even NaN.
TEST_P(CpuAttendTest, LeavesOtherPlacesAlone) {
  for (const DType kv : {DType::kF32, DType::kBF16}) {
    const AttentionShape shape{.head_dim = 20, .rotated = 20, .kv = kv};
    constexpr int kLengths[] = {32, 32};
    AttentionSteps steps(shape, kLengths, 7, 1);
    for (float& value : steps.sequences()[0].qkv) value = std::numeric_limits<float>::quiet_NaN();
    ThreadPool pool(2);
    AttentionRunner runner(steps.Config(), *GetParam(), pool);
    constexpr int kFirst[] = {32, 0}, kSecond[] = {0, 19};
    steps.Step(runner, kFirst);
    EXPECT_TRUE(std::isnan(steps.sequences()[0].out[0]));
    steps.sequences()[1].blocks = steps.sequences()[0].blocks;  // used again
    steps.Step(runner, kSecond);
    steps.sequences()[1].length = 19;
    EXPECT_LT(WorstError(shape, steps.Config(), steps.sequences()[1]), 1);
  }
}

// What no query of a step sees is not looked at: work is proportional to the window.
TEST_P(CpuAttendTest, ReadsNoBlockBeforeTheWindow) {
  for (const int threads : {1, 3}) {
    const AttentionShape shape{.heads = 4, .kv_heads = 1, .kv = DType::kBF16, .window = 300};
    constexpr int kLengths[] = {1000};
    AttentionSteps whole(shape, kLengths, 7, 1), steps(shape, kLengths, 7, 1);
    ThreadPool pool(threads);
    AttentionRunner whole_runner(whole.Config(), *GetParam(), pool), runner(steps.Config(), *GetParam(), pool);
    constexpr int kPrompt[] = {980}, kTen[] = {10}, kOne[] = {1};
    for (const std::span<const int> counts : {std::span(kPrompt), std::span(kTen), std::span(kOne), std::span(kOne)}) {
      const int first = std::max(0, steps.sequences()[0].done + 1 - shape.window);
      // Reading there would end the test.
      for (int b = 0; b < first / kKvBlockTokens; ++b) steps.sequences()[0].blocks[static_cast<size_t>(b)] = 1 << 30;
      steps.Step(runner, counts);
      whole.Step(whole_runner, counts);
    }
    EXPECT_EQ(steps.sequences()[0].out, whole.sequences()[0].out);
  }
}

TEST_P(CpuAttendTest, LayersAreSeparate) {
  const AttentionShape shape;
  constexpr int kLengths[] = {20};
  AttentionSteps steps(shape, kLengths, 7, 1), other(shape, kLengths, 8, 1);
  ThreadPool pool(1);
  AttentionRunner runner(steps.Config(), *GetParam(), pool);
  constexpr int kFirst[] = {10};
  steps.Step(runner, kFirst, 0);
  other.Step(runner, kFirst, 1);
  steps.Step(runner, kFirst, 0);
  EXPECT_EQ(steps.sequences()[0].out, Run(shape, kLengths, 10, 1)[0].out);
}

INSTANTIATE_TEST_SUITE_P(Levels, CpuAttendTest, testing::ValuesIn(RunnableKernels()), LevelName());

}  // namespace
}  // namespace spate::cpu
