#include "backend/ref/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace spate::ref {
namespace {

constexpr float kQuarterTurn = static_cast<float>(std::numbers::pi / 2);

RopeTable NoRope() { return {}; }  // no rotated pairs

TEST(RefRope, HalfStyleRotatesIAndIPlusHalf) {
  const RopeTable rope = {RopeStyle::kHalf, {kQuarterTurn, 0.0f}, 1.0f};
  const float head[] = {1, 2, 3, 4, 5};
  double out[5];
  Rotate(rope, 1, head, 5, out);
  // Pair (1, 3) turns by a quarter: (x, y) -> (-y, x); pair (2, 4) by nothing; the fifth is not rotated.
  EXPECT_NEAR(out[0], -3, 1e-6);
  EXPECT_EQ(out[1], 2);
  EXPECT_NEAR(out[2], 1, 1e-6);
  EXPECT_EQ(out[3], 4);
  EXPECT_EQ(out[4], 5);
}

TEST(RefRope, InterleavedStyleRotatesNeighbours) {
  const RopeTable rope = {RopeStyle::kInterleaved, {kQuarterTurn, kQuarterTurn}, 1.0f};
  const float head[] = {1, 2, 3, 4};
  double out[4];
  Rotate(rope, 2, head, 4, out);  // half a turn
  EXPECT_NEAR(out[0], -1, 1e-6);
  EXPECT_NEAR(out[1], -2, 1e-6);
  EXPECT_NEAR(out[2], -3, 1e-6);
  EXPECT_NEAR(out[3], -4, 1e-6);
}

TEST(RefRope, KnownAngleAndMagnitude) {
  const RopeTable rope = {RopeStyle::kHalf, {0.25f}, 2.0f};
  const float head[] = {1, 0};
  double out[2];
  Rotate(rope, 2, head, 2, out);  // cos 0.5, sin 0.5
  EXPECT_NEAR(out[0], 2 * 0.8775825618903728, 1e-12);
  EXPECT_NEAR(out[1], 2 * 0.4794255386042030, 1e-12);
}

TEST(RefRope, AngleIsAnF32Product) {
  const float frequency = 0.1f;
  const RopeTable rope = {RopeStyle::kHalf, {frequency}, 1.0f};
  const float head[] = {1, 0};
  double out[2];
  Rotate(rope, 100003, head, 2, out);
  const float angle = 100003.0f * frequency;
  EXPECT_DOUBLE_EQ(out[0], std::cos(static_cast<double>(angle)));
}

// One layer, one sequence, one KV group, blocks in the order of `blocks`.
struct Rig {
  Rig(int kv_heads, int head_dim, DType dtype, std::vector<int32_t> blocks)
      : block_table(std::move(blocks)), kv(Layout(kv_heads, head_dim, dtype), std::vector<int32_t>{8}) {}

  static KvLayout Layout(int kv_heads, int head_dim, DType dtype) {
    KvLayout layout;
    layout.dtype = dtype;
    layout.layers = {{0, kv_heads, head_dim}};
    return layout;
  }

  std::vector<float> Step(const AttnSpec& spec, const RopeTable& rope, std::vector<float> qkv, int first_position) {
    return Step(spec, AttnData{.rope = &rope}, std::move(qkv), first_position);
  }
  std::vector<float> Step(const AttnSpec& spec, const AttnData& data, std::vector<float> qkv, int first_position) {
    const int tokens = static_cast<int>(qkv.size()) / spec.QkvWidth();
    std::vector<int32_t> positions, slots;
    for (int t = 0; t < tokens; ++t) {
      const int p = first_position + t;
      positions.push_back(p);
      slots.push_back(block_table[static_cast<size_t>(p / kKvBlockTokens)] * kKvBlockTokens + p % kKvBlockTokens);
    }
    const int32_t query_start[] = {0, tokens};
    const int32_t context_len[] = {first_position + tokens};
    const KvView view = {block_table.data(), static_cast<int>(block_table.size()), slots.data()};
    Batch batch;
    batch.tokens = tokens;
    batch.sequences = 1;
    batch.positions = positions.data();
    batch.query_start = query_start;
    batch.context_len = context_len;
    batch.kv = {&view, 1};
    std::vector<float> out(static_cast<size_t>(tokens * spec.QueryWidth()));
    Attend(spec, data, 0, batch, {qkv.data(), tokens, spec.QkvWidth(), spec.QkvWidth(), DType::kF32},
           {out.data(), tokens, spec.QueryWidth(), spec.QueryWidth(), DType::kF32}, kv);
    return out;
  }

  std::vector<int32_t> block_table;
  KvArena kv;
};

TEST(RefAttention, SoftmaxOverThreeKeys) {
  Rig rig(1, 1, DType::kF32, {5});
  const AttnSpec spec = {1, 1, 1, 2.0f, 0};
  // q, k, v of three tokens; scores of the last: 2 * 1 * (0, ln 2 / 2, ln 4 / 2) = ln (1, 2, 4).
  const float half_ln2 = static_cast<float>(std::numbers::ln2 / 2);
  const std::vector<float> out = rig.Step(spec, NoRope(), {1, 0, 7, 1, half_ln2, 14, 1, 2 * half_ln2, 70}, 0);
  EXPECT_NEAR(out[0], 7, 1e-6);
  EXPECT_NEAR(out[1], (7 + 2 * 14) / 3.0, 1e-5);
  EXPECT_NEAR(out[2], (7 + 2 * 14 + 4 * 70) / 7.0, 1e-5);
}

TEST(RefAttention, EqualKeysGiveTheMeanAcrossBlocks) {
  Rig rig(1, 1, DType::kF32, {3, 0, 7});
  const AttnSpec spec = {1, 1, 1, 1.0f, 0};
  std::vector<float> qkv;
  for (int p = 0; p < 40; ++p) qkv.insert(qkv.end(), {1.0f, 0.5f, static_cast<float>(p)});
  const std::vector<float> out = rig.Step(spec, NoRope(), qkv, 0);
  for (int p = 0; p < 40; ++p) EXPECT_NEAR(out[static_cast<size_t>(p)], p / 2.0, 1e-5);
}

TEST(RefAttention, ChunksGiveTheSameBits) {
  const AttnSpec spec = {2, 1, 2, 0.7f, 0};
  const RopeTable rope = {RopeStyle::kHalf, {0.3f}, 1.0f};
  std::vector<float> qkv;
  for (int i = 0; i < 20 * spec.QkvWidth(); ++i) qkv.push_back(static_cast<float>(std::sin(i)));
  Rig whole(1, 2, DType::kBF16, {1, 2});
  Rig cut(1, 2, DType::kBF16, {6, 4});
  const std::vector<float> expected = whole.Step(spec, rope, qkv, 0);
  std::vector<float> got;
  for (int p = 0; p < 20; ++p) {
    const auto first = qkv.begin() + p * spec.QkvWidth();
    const std::vector<float> one = cut.Step(spec, rope, {first, first + spec.QkvWidth()}, p);
    got.insert(got.end(), one.begin(), one.end());
  }
  EXPECT_EQ(got, expected);
}

TEST(RefAttention, QueryHeadsShareTheirKeyHead) {
  Rig rig(2, 1, DType::kF32, {0});
  const AttnSpec spec = {4, 2, 1, 1.0f, 0};
  // One token: every query head returns the value of its key/value head.
  EXPECT_EQ(rig.Step(spec, NoRope(), {1, 2, 3, 4, 0, 0, 10, 20}, 0), (std::vector<float>{10, 10, 20, 20}));
}

TEST(RefAttention, OnlyRelativePositionsMatterUnderRope) {
  const AttnSpec spec = {1, 1, 2, 1.0f, 0};
  const RopeTable rope = {RopeStyle::kInterleaved, {0.5f}, 1.0f};
  const std::vector<float> qkv = {1, 0, 1, 0, 1, 0, /**/ 1, 0, 1, 0, 0, 1};
  Rig rig(1, 2, DType::kF32, {0});
  const std::vector<float> out = rig.Step(spec, rope, qkv, 0);
  // Scores of the second token: cos 0.5 with the first key, 1 with its own.
  const double first = std::exp(std::cos(0.5)) / (std::exp(std::cos(0.5)) + std::exp(1.0));
  EXPECT_NEAR(out[2], first, 1e-6);
  EXPECT_NEAR(out[3], 1 - first, 1e-6);
}

// q, k, v of `count` tokens of one head of one value; all scores are 0, value p is p.
std::vector<float> ZeroScores(int count) {
  std::vector<float> qkv;
  for (int p = 0; p < count; ++p) qkv.insert(qkv.end(), {0.0f, 0.0f, static_cast<float>(p)});
  return qkv;
}

TEST(RefAttention, AWindowHoldsTheTokenItselfAndThoseBeforeIt) {
  for (const int window : {1, 2, 16, 17, 39, 40, 100}) {
    Rig rig(1, 1, DType::kF32, {3, 0, 7});
    const AttnSpec spec = {.heads = 1, .kv_heads = 1, .head_dim = 1, .scale = 1, .window = window};
    const std::vector<float> out = rig.Step(spec, NoRope(), ZeroScores(40), 0);
    for (int p = 0; p < 40; ++p) {
      const int first = std::max(0, p + 1 - window);
      EXPECT_NEAR(out[static_cast<size_t>(p)], (first + p) / 2.0, 1e-5) << "position " << p << ", window " << window;
    }
  }
}

TEST(RefAttention, ASlopeLowersWhatIsFar) {
  Rig rig(1, 1, DType::kF32, {0});
  const AlibiSlopes slopes = {static_cast<float>(std::numbers::ln2), 0};
  const AttnSpec spec = {.heads = 2, .kv_heads = 1, .head_dim = 1, .scale = 1, .alibi = 0};
  // Two query heads, one key: the weights of the first are 1/4, 1/2 and 1, those of the second are equal.
  const std::vector<float> out =
      rig.Step(spec, AttnData{.alibi = &slopes}, {0, 0, 0, 7, /**/ 0, 0, 0, 14, /**/ 0, 0, 0, 28}, 0);
  EXPECT_NEAR(out[4], (7 / 4.0 + 14 / 2.0 + 28) / (7 / 4.0), 1e-5);
  EXPECT_NEAR(out[5], (7 + 14 + 28) / 3.0, 1e-5);
}

TEST(RefAttention, ScoresAreCappedBeforeTheyAreBiased) {
  Rig rig(1, 1, DType::kF32, {0});
  const AlibiSlopes slopes = {1};
  const AttnSpec spec = {.heads = 1, .kv_heads = 1, .head_dim = 1, .scale = 100, .softcap = 2, .alibi = 0};
  // Scores of the second token: 2 tanh(1000 / 2) - 1 = 1 with the first key, 2 tanh(0) = 0 with its own.
  const std::vector<float> out = rig.Step(spec, AttnData{.alibi = &slopes}, {0, 10, 1, /**/ 1, 0, 0}, 0);
  EXPECT_NEAR(out[1], std::exp(1.0) / (std::exp(1.0) + 1), 1e-6);
}

TEST(RefAttention, EveryKindOfQkNorm) {
  // Two query heads and one key/value head of two values; the second token is looked at.
  const std::vector<float> first = {0, 0, 0, 0, /*k*/ 2, 2, /*v*/ 1, 0};
  const std::vector<float> second = {3, 3, 6, -6, /*k*/ 5, -5, /*v*/ 0, 1};
  const std::vector<float> key_weight = {1, 1};
  const auto vec = [](const std::vector<float>& values) {
    return RefVec({.weight = {reinterpret_cast<const std::byte*>(values.data()), DType::kF32, 1,
                              static_cast<int64_t>(values.size()), static_cast<int64_t>(values.size()) * 4}});
  };
  // The first token's weight in the second's heads, where their scores differ by `differences`.
  const auto expect = [&](QkNorm kind, const std::vector<float>& query_weight, double head0, double head1) {
    Rig rig(1, 2, DType::kF32, {0});
    const RefVec query = vec(query_weight), key = vec(key_weight);
    const AttnSpec spec = {
        .heads = 2, .kv_heads = 1, .head_dim = 2, .scale = 1, .qk_norm = kind, .qk_norm_spec = {NormKind::kRms, 0.0f}};
    std::vector<float> qkv = first;
    qkv.insert(qkv.end(), second.begin(), second.end());
    const std::vector<float> out = rig.Step(spec, AttnData{.query_norm = &query, .key_norm = &key}, qkv, 0);
    EXPECT_NEAR(out[4], 1 / (1 + std::exp(-head0)), 1e-6);
    EXPECT_NEAR(out[6], 1 / (1 + std::exp(-head1)), 1e-6);
  };
  // Keys become (1, 1) and (1, -1). Per head, queries become (1, 1) w and (1, -1) w; scores of q = (a, b) are a + b
  // with the first key and a - b with the second: the difference is 2 b.
  expect(QkNorm::kHead, {0.5f, 0.25f}, 2 * 0.25, -2 * 0.25);
  expect(QkNorm::kEachHead, {0.5f, 0.25f, 1, 0.75f}, 2 * 0.25, -2 * 0.75);
  // All heads together: the mean square of (3, 3, 6, -6) is 22.5.
  expect(QkNorm::kWidth, {0.5f, 0.25f, 1, 0.75f}, 2 * 0.25 * 3 / std::sqrt(22.5), -2 * 0.75 * 6 / std::sqrt(22.5));
}

TEST(RefAttention, ClampsQueriesKeysAndValues) {
  Rig rig(1, 1, DType::kF32, {0});
  const AttnSpec spec = {.heads = 1, .kv_heads = 1, .head_dim = 1, .scale = 1, .clip = 2};
  const std::vector<float> out = rig.Step(spec, AttnData{}, {0, 50, 50, /**/ 9, -70, -1}, 0);
  EXPECT_EQ(out[0], 2);
  const double weight = 1 / (1 + std::exp(-2.0 * 4));  // scores 2 * 2 and 2 * -2
  EXPECT_NEAR(out[1], 2 * weight - (1 - weight), 1e-6);
}

TEST(RefAttention, ValuesAreRoundedToTheCacheFormat) {
  const AttnSpec spec = {1, 1, 1, 1.0f, 0};
  const float value = 1.0f + 0x1p-9f;
  Rig f32(1, 1, DType::kF32, {0});
  Rig bf16(1, 1, DType::kBF16, {0});
  EXPECT_EQ(f32.Step(spec, NoRope(), {1, 1, value}, 0)[0], value);
  EXPECT_EQ(bf16.Step(spec, NoRope(), {1, 1, value}, 0)[0], 1.0f);
}

}  // namespace
}  // namespace spate::ref
