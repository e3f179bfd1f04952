// Attend: sequences of any length in chunks of any size, several in a step, both rotations, both cache
// formats, groups of layers with block tables of their own.
//
// Tolerance, for one token and head. A score is scale q.k with |q.k| <= |q| |k| and magnitude^2 in front:
// head_dim products and additions, and few roundings for cosine, sine, the two rotations (each a sum of two
// products, so within sqrt 2 of its norm), the scale and the subtraction of the maximum, which is no larger
// than twice the largest score:
//   E = magnitude^2 |scale| |q| |k| Gamma(head_dim + 24).
// A weight is then off by exp(E), by an exp within 2^-20 and by the sums over the context and the merges of
// its parts: t = exp(E) (1 + 2^-20) (1 + Gamma(context + 8 parts + 8)) - 1, both above and below the
// fraction, so |error| <= 2 t / (1 - t) sum_p weight_p |v_p|. That sum comes from the reference, run on |v|.
//
// The cache rounds keys after the rotation. A key that lies on a tie there would fall either way, by a whole
// bf16 step, and would hide everything else; so with a bf16 cache keys are made by turning bf16 numbers back:
// each rotates to one of them within f32 roundings, and every backend has the same cache. Values are rounded
// as they come.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/conformance_case.h"
#include "tests/conformance_data.h"
#include "tests/conformance_step.h"

namespace spate::conformance {
namespace {

struct Shape {
  int heads = 1;
  int kv_heads = 1;
  int head_dim = 8;
  int pairs = 0;  // rotated
  RopeStyle style = RopeStyle::kHalf;
  float magnitude = 1;
  DType kv = DType::kF32;
  std::vector<std::vector<int>> chunks;  // [sequence][step]; a sequence may take part in fewer steps
  int groups = 1;                        // layer g is of group g and has g more kv heads
  bool stale = false;                    // the blocks held infinities and NaNs of someone else
};

class AttendCase final : public Case {
 public:
  explicit AttendCase(Shape shape) : shape_(std::move(shape)) {
    for (const std::vector<int>& sizes : shape_.chunks) {
      int context = 0;
      for (int size : sizes) context += size;
      contexts_.push_back(context);
      steps_ = std::max(steps_, sizes.size());
    }
  }

  std::string name() const override {
    std::string chunks;
    for (const std::vector<int>& sizes : shape_.chunks) chunks += fmt::format(" {}", fmt::join(sizes, "+"));
    return fmt::format("{}/{} heads of {}, {} pairs {}, kv {}{}{}, sequences{}", shape_.heads, shape_.kv_heads,
                       shape_.head_dim, shape_.pairs, shape_.style == RopeStyle::kHalf ? "half" : "interleaved",
                       spate::Name(shape_.kv), shape_.groups > 1 ? ", groups" : "", shape_.stale ? ", stale" : "",
                       chunks);
  }

  bool Feels(Fault fault) const override {
    // Its own key stays in place relative to itself: it takes another one to see the angle.
    return fault != Fault::kAngle || (shape_.pairs > 0 && contexts_.back() > 1);
  }

  Output Run(Device& device) const override { return Compute(device, false); }

  std::vector<Expectation> Expect(Device& ref) const override {
    Expectation expectation;
    expectation.values = Compute(ref, false).values;
    const std::vector<float> mixed = Compute(ref, true).values;  // sum of weight times |v|
    const int context = *std::max_element(contexts_.begin(), contexts_.end());
    const double parts = context / kAttentionPart + 1;
    const double largest = std::sqrt(static_cast<double>(shape_.head_dim));  // of |q|, |k|: elements are below 1
    const double magnitude = static_cast<double>(shape_.magnitude);
    const double score_error = magnitude * magnitude * std::abs(static_cast<double>(Scale())) * largest * largest *
                               Gamma(shape_.head_dim + 24);
    const double t = std::exp(score_error) * (1 + 0x1p-20) * (1 + Gamma(context + 8 * parts + 8)) - 1;
    for (float sum : mixed) expectation.bounds.push_back((2 * t / (1 - t) + kRoundoff) * static_cast<double>(sum));
    return {expectation};
  }

 private:
  float Scale() const { return 1.0f / std::sqrt(static_cast<float>(shape_.head_dim)); }

  RopeTable Rope() const {
    RopeTable rope = {shape_.style, {}, shape_.magnitude};
    for (int i = 0; i < shape_.pairs; ++i) {
      rope.inv_freq.push_back(std::pow(10000.0f, -static_cast<float>(i) / static_cast<float>(shape_.pairs)));
    }
    return rope;
  }

  AttnSpec Spec(int layer) const {
    const int kv_heads = shape_.kv_heads + layer;
    return {kv_heads * (shape_.heads / shape_.kv_heads), kv_heads, shape_.head_dim, Scale(), 0};
  }

  OpsConfig Config(const BlockPlan& plan) const {
    OpsConfig config;
    config.max_tokens = 0;
    for (int context : contexts_) config.max_tokens += (context + kKvBlockTokens) / kKvBlockTokens * kKvBlockTokens;
    config.max_sequences = static_cast<int>(contexts_.size());
    config.max_outputs = 1;
    config.slots = config.max_sequences;
    config.dim = config.max_hidden = config.vocab = 1;
    config.max_qkv = Spec(shape_.groups - 1).QkvWidth();
    config.max_mixed = Spec(shape_.groups - 1).QueryWidth();
    config.max_context = plan.max_blocks() * kKvBlockTokens;
    config.ropes = {Rope()};
    config.kv.dtype = shape_.kv;
    config.kv.groups = shape_.groups;
    for (int layer = 0; layer < shape_.groups; ++layer) {
      config.kv.layers.push_back({layer, Spec(layer).kv_heads, shape_.head_dim});
      config.kv_blocks.push_back(plan.blocks());
    }
    return config;
  }

  // q, k and v of one token: the same whatever the step.
  std::vector<float> Token(int layer, int sequence, int position, bool absolute_values) const {
    const AttnSpec spec = Spec(layer);
    Random random(static_cast<uint64_t>((sequence * 7 + layer) * 10007 + position));
    std::vector<float> row = random.Values(static_cast<size_t>(spec.QkvWidth()));
    const auto keys = row.begin() + spec.QueryWidth();
    const auto values = keys + spec.kv_heads * spec.head_dim;
    if (shape_.kv == DType::kBF16 && shape_.pairs > 0) {
      for (int h = 0; h < spec.kv_heads; ++h) TurnBack(&*keys + h * spec.head_dim, position);
    }
    if (absolute_values) std::transform(values, row.end(), values, [](float v) { return std::abs(v); });
    return row;
  }

  // Replaces a key by one that rotates to bf16 numbers.
  void TurnBack(float* key, int position) const {
    const RopeTable rope = Rope();
    std::vector<std::byte> bytes(static_cast<size_t>(shape_.head_dim) * 2);
    Pack(DType::kBF16, key, bytes.data(), static_cast<size_t>(shape_.head_dim));
    Unpack(DType::kBF16, bytes.data(), key, static_cast<size_t>(shape_.head_dim));
    for (int i = 0; i < shape_.pairs; ++i) {
      const double angle = static_cast<double>(static_cast<float>(position) * rope.inv_freq[static_cast<size_t>(i)]);
      const double c = std::cos(angle) / static_cast<double>(rope.magnitude);
      const double s = std::sin(angle) / static_cast<double>(rope.magnitude);
      float& x = key[rope.style == RopeStyle::kHalf ? i : 2 * i];
      float& y = key[rope.style == RopeStyle::kHalf ? i + shape_.pairs : 2 * i + 1];
      const double a = static_cast<double>(x);
      const double b = static_cast<double>(y);
      x = static_cast<float>(a * c + b * s);
      y = static_cast<float>(b * c - a * s);
    }
  }

  // What earlier sequences left in the blocks of these, up to the end of the last block.
  void Poison(Ops& ops, const BlockPlan& plan) const {
    std::vector<Chunk> chunks;
    for (size_t s = 0; s < contexts_.size(); ++s) {
      const int blocks = (contexts_[s] + kKvBlockTokens - 1) / kKvBlockTokens;
      chunks.push_back({static_cast<int>(s), 0, blocks * kKvBlockTokens});
    }
    Step step(plan, shape_.groups, chunks);
    ops.Begin(step.batch());
    for (int layer = 0; layer < shape_.groups; ++layer) {
      const AttnSpec spec = Spec(layer);
      GuardedMat qkv(step.batch().tokens, spec.QkvWidth());
      GuardedMat out(step.batch().tokens, spec.QueryWidth());
      std::vector<float> values(static_cast<size_t>(step.batch().tokens * spec.QkvWidth()));
      for (size_t i = 0; i < values.size(); ++i) {
        values[i] = i % 3 == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
      }
      qkv.Fill(values);
      ops.Attend(spec, {}, layer, step.batch(), qkv.mat(), out.mat());
    }
  }

  Output Compute(Device& device, bool absolute_values) const {
    const BlockPlan plan(contexts_, shape_.groups);
    const std::unique_ptr<Ops> ops = device.MakeOps(Config(plan));
    if (shape_.stale) Poison(*ops, plan);
    Output output;
    std::vector<int> past(contexts_.size());
    for (size_t s = 0; s < steps_; ++s) {
      std::vector<Chunk> chunks;
      for (size_t i = 0; i < contexts_.size(); ++i) {
        if (s >= shape_.chunks[i].size()) continue;
        chunks.push_back({static_cast<int>(i), past[i], shape_.chunks[i][s]});
        past[i] += shape_.chunks[i][s];
      }
      Step step(plan, shape_.groups, chunks);
      ops->Begin(step.batch());
      for (int layer = 0; layer < shape_.groups; ++layer) {
        const AttnSpec spec = Spec(layer);
        std::vector<float> rows;
        for (const Chunk& chunk : chunks) {
          for (int p = chunk.past; p < chunk.past + chunk.tokens; ++p) {
            const std::vector<float> row = Token(layer, chunk.sequence, p, absolute_values);
            rows.insert(rows.end(), row.begin(), row.end());
          }
        }
        GuardedMat qkv(step.batch().tokens, spec.QkvWidth(), 1);
        GuardedMat out(step.batch().tokens, spec.QueryWidth(), 2);
        qkv.Fill(rows);
        ops->Attend(spec, {}, layer, step.batch(), qkv.mat(), out.mat());
        const std::vector<float> values = out.Values();
        output.values.insert(output.values.end(), values.begin(), values.end());
        output.damage += out.Damage("out") + qkv.Damage("qkv");
      }
    }
    return output;
  }

  Shape shape_;
  std::vector<int> contexts_;
  size_t steps_ = 0;
};

}  // namespace

CaseList AttendCases() {
  CaseList cases;
  const auto add = [&](Shape shape) { cases.push_back(std::make_unique<AttendCase>(std::move(shape))); };
  for (DType kv : {DType::kF32, DType::kBF16}) {
    const RopeStyle half = RopeStyle::kHalf;
    const RopeStyle interleaved = RopeStyle::kInterleaved;
    // Head sizes around the 16 lanes of a vector and its pairs, whole and partly rotated.
    for (int dim : {1, 2, 3, 12, 15, 16, 17, 20, 31, 33, 64, 80, 96, 128, 130}) {
      add({.head_dim = dim, .pairs = dim / 2, .kv = kv, .chunks = {{19, 1}, {3, 2}}});
    }
    add({.head_dim = 20, .pairs = 3, .kv = kv, .chunks = {{18, 4}}});
    add({.head_dim = 20, .pairs = 3, .style = interleaved, .kv = kv, .chunks = {{18, 4}}});
    for (int dim : {2, 12, 64}) {
      add({.head_dim = dim,
           .pairs = dim / 2,
           .style = interleaved,
           .magnitude = 1.2f,
           .kv = kv,
           .chunks = {{33, 1, 1}}});
      add({.head_dim = dim, .pairs = 0, .kv = kv, .chunks = {{33, 1, 1}}});
    }
    // Query heads to a key/value head.
    constexpr int kRatios[][2] = {{2, 1}, {4, 2}, {6, 2}, {7, 1}, {8, 8}, {9, 3}, {15, 3}, {32, 4}, {71, 1}};
    for (const auto& [heads, kv_heads] : kRatios) {
      add({.heads = heads, .kv_heads = kv_heads, .head_dim = 16, .pairs = 8, .kv = kv, .chunks = {{21, 1}, {1, 1}}});
    }
    // Lengths around a block and around a part, as prefill and as decode.
    for (int length : {1, 2, 15, 16, 17, 31, 32, 33}) {
      add({.heads = 2, .head_dim = 12, .pairs = 6, .style = half, .kv = kv, .chunks = {{length}}});
      add({.heads = 2, .head_dim = 12, .pairs = 6, .kv = kv, .chunks = {{length, 1, 1}}});
    }
    for (int length : {255, 256, 257, 511, 513}) {
      add({.heads = 4, .kv_heads = 2, .head_dim = 16, .pairs = 8, .kv = kv, .chunks = {{length, 1, 1, 2}}});
    }
    add({.head_dim = 8, .pairs = 4, .kv = kv, .chunks = {{200, 100, 3, 300, 1}}});
    add({.head_dim = 8, .pairs = 4, .kv = kv, .chunks = {std::vector<int>(40, 1)}});
    // Several sequences, ragged.
    add({.heads = 4,
         .kv_heads = 2,
         .head_dim = 20,
         .pairs = 10,
         .kv = kv,
         .chunks = {{1, 1}, {17, 5}, {300, 1}, {2, 64}, {16, 16}, {250, 10}, {5}}});
    add({.heads = 6,
         .kv_heads = 3,
         .head_dim = 15,
         .pairs = 7,
         .kv = kv,
         .chunks = {{7, 1, 1}, {256, 1, 1}, {31, 1, 1}, {33, 1, 1}, {5, 1, 1}}});
    // Decode steps long enough for a backend to share one sequence among threads.
    add({.heads = 8, .kv_heads = 1, .head_dim = 64, .pairs = 32, .kv = kv, .chunks = {{513, 1, 1}}});
    add({.heads = 8, .kv_heads = 1, .head_dim = 64, .pairs = 32, .kv = kv, .chunks = {{300, 1}, {257, 1}, {9, 1}}});
    add({.heads = 2,
         .kv_heads = 1,
         .head_dim = 16,
         .pairs = 8,
         .kv = kv,
         .chunks = {{30, 2, 1}, {4, 20}},
         .groups = 3});
    add({.heads = 2,
         .kv_heads = 2,
         .head_dim = 17,
         .pairs = 8,
         .kv = kv,
         .chunks = {{5, 1}, {18, 1}, {270, 1}},
         .stale = true});
  }
  return cases;
}

}  // namespace spate::conformance
