// Attend: sequences of any length in chunks of any size, several in a step, both rotations, both cache
// formats, groups of layers with block tables of their own, and whatever an AttnSpec can ask for.
//
// Tolerance, for one token and head. A score is scale q.k with |q.k| <= |q| |k| and magnitude^2 in front:
// head_dim products and additions, and few roundings for cosine, sine, the two rotations (each a sum of two
// products, so within sqrt 2 of its norm), the scale and the subtraction of the maximum, which is no larger
// than twice the largest score. With errors e_q and e_k of the vectors that are rotated (0 without a norm):
//   E = magnitude^2 |scale| (|q| |k| Gamma(head_dim + 24) + e_q |k| + e_k |q| + e_q e_k).
// Elements are below 1, and so |q| <= sqrt(head_dim); where n values were normalized, with weights below 1,
// |q| <= sqrt(n) and the error of each is that of tests/conformance_norm.cc with |x| < 1 and s >= sqrt(eps).
//
// A soft cap does not enlarge E; a tanh within 2^-21 and 5 roundings (of the cap, its inverse, two products
// and the reference's) are those of a score no larger than the cap. A slope adds up to slope context to a score; it,
// the product, the sum and differences of sums, here and where parts are merged, are at most 8 roundings of
// the largest.
//
// A weight is then off by exp(E), by an exp within 2^-20 and by the sums over the context and the merges of
// its parts: t = exp(E) (1 + 2^-20) (1 + Gamma(context + 8 parts + 8)) - 1, both above and below the
// fraction, so |error| <= 2 t / (1 - t) sum_p weight_p |v_p|. That sum comes from the reference, run on |v|.
//
// The cache rounds keys after the rotation. A key that lies on a tie there would fall either way, by a whole
// bf16 step, and would hide everything else; so with a bf16 cache keys are made by turning bf16 numbers back:
// each rotates to one of them within f32 roundings, and every backend has the same cache. Values are rounded
// as they come. Keys that are normalized, or clamped and rotated, go to f32 caches only.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/conformance_attention.h"
#include "tests/conformance_data.h"
#include "tests/conformance_step.h"

namespace spate::conformance {
namespace {

// What one of queries and keys may be, and by how much f32 arithmetic moves it, before the rotation: lengths of a head.
struct Vectors {
  double length;
  double error;
};

class AttendCase final : public Case {
 public:
  explicit AttendCase(AttendShape shape) : shape_(std::move(shape)) {
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
    return fmt::format(
        "{}/{} heads of {}, {} pairs {}, kv {}{}{}, window {}, cap {}{}, clip {}, norm {} {}, sequences{}",
        shape_.heads, shape_.kv_heads, shape_.head_dim, shape_.pairs,
        shape_.style == RopeStyle::kHalf ? "half" : "interleaved", spate::Name(shape_.kv),
        shape_.groups > 1 ? ", groups" : "", shape_.stale ? ", stale" : "", shape_.window, shape_.softcap,
        shape_.alibi ? ", slopes" : "", shape_.clip, static_cast<int>(shape_.qk_norm), static_cast<int>(shape_.norm),
        chunks);
  }

  bool Feels(Fault fault) const override {
    // Its own key stays in place relative to itself: it takes another one to see the angle.
    const bool sees_others = contexts_.back() > 1 && shape_.window != 1;
    if (fault == Fault::kAngle) return shape_.pairs > 0 && sees_others;
    if (fault == Fault::kNorm) return shape_.qk_norm != QkNorm::kNone && sees_others;
    return true;
  }

  Output Run(Device& device) const override { return Compute(device, false); }

  std::vector<Expectation> Expect(Device& ref) const override {
    Expectation expectation;
    expectation.values = Compute(ref, false).values;
    const std::vector<float> mixed = Compute(ref, true).values;  // sum of weight times |v|
    const int context = *std::max_element(contexts_.begin(), contexts_.end());
    const double parts = context / kAttentionPart + 1;
    const double magnitude = static_cast<double>(shape_.magnitude);
    const double scale = magnitude * magnitude * std::abs(static_cast<double>(Scale()));
    const AttnSpec spec = Spec(shape_.groups - 1);
    const Vectors q = Prepared(spec.heads);
    const Vectors k = Prepared(spec.kv_heads);
    double score = scale * q.length * k.length;
    double score_error =
        score * Gamma(shape_.head_dim + 24) + scale * (q.error * k.length + k.error * q.length + q.error * k.error);
    if (shape_.softcap > 0) {
      score = std::min(score, static_cast<double>(shape_.softcap));
      score_error += score * (0x1p-21 + Gamma(5));
    }
    if (shape_.alibi) score_error += (score + static_cast<double>(kSlope) * context) * Gamma(8);
    const double t = std::exp(score_error) * (1 + 0x1p-20) * (1 + Gamma(context + 8 * parts + 8)) - 1;
    for (float sum : mixed) expectation.bounds.push_back((2 * t / (1 - t) + kRoundoff) * static_cast<double>(sum));
    return {expectation};
  }

 private:
  static constexpr float kSlope = 0.3f;  // the largest
  // So large for a layer norm that its bound stays below what a fault does.
  float NormEps() const { return shape_.norm == NormKind::kRms ? 1e-2f : 1.0f; }

  Vectors Prepared(int heads) const {
    const double dim = shape_.head_dim;
    if (shape_.qk_norm == QkNorm::kNone) return {std::sqrt(dim), 0};
    const double n = shape_.qk_norm == QkNorm::kWidth ? heads * dim : dim;
    const double length = std::sqrt(n);
    if (shape_.norm == NormKind::kRms) return {length, length * Gamma(n / 2 + 12)};
    const double relative = Gamma(n + 4) * 2 / std::sqrt(static_cast<double>(NormEps()));
    return {length, std::sqrt(dim) * relative + length * (relative + Gamma(n / 2 + 12))};
  }

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
    return {.heads = kv_heads * (shape_.heads / shape_.kv_heads),
            .kv_heads = kv_heads,
            .head_dim = shape_.head_dim,
            .scale = Scale(),
            .rope = shape_.pairs < 0 ? -1 : 0,
            .window = shape_.window,
            .softcap = shape_.softcap,
            .alibi = shape_.alibi ? layer : -1,
            .clip = shape_.clip,
            .qk_norm = shape_.qk_norm,
            .qk_norm_spec = {shape_.norm, NormEps()}};
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
      AlibiSlopes& slopes = config.alibi.emplace_back();
      for (int h = 0; h < Spec(layer).heads; ++h) slopes.push_back(kSlope / static_cast<float>(1 + h % 5));
    }
    return config;
  }

  // The norms of a layer's queries and keys.
  struct Norms {
    std::unique_ptr<Vec> query, key;
    QkNormWeights weights() const { return {query.get(), key.get()}; }
  };
  Norms PackNorms(Device& device, int layer) const {
    if (shape_.qk_norm == QkNorm::kNone) return {};
    const AttnSpec spec = Spec(layer);
    Random random(static_cast<uint64_t>(900 + layer));
    const auto pack = [&](int heads) {
      const int size = shape_.qk_norm == QkNorm::kHead ? spec.head_dim : heads * spec.head_dim;
      const SourceMatrix source(random.Values(static_cast<size_t>(size)), 1, size, DType::kF32);
      return device.PackVec({.weight = source.view()});
    };
    Norms norms;
    norms.query = pack(spec.heads);
    norms.key = pack(spec.kv_heads);
    return norms;
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
  void Poison(Ops& ops, const BlockPlan& plan, const std::vector<Norms>& norms) const {
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
      ops.Attend(spec, norms[static_cast<size_t>(layer)].weights(), layer, step.batch(), qkv.mat(), out.mat());
    }
  }

  Output Compute(Device& device, bool absolute_values) const {
    const BlockPlan plan(contexts_, shape_.groups);
    const std::unique_ptr<Ops> ops = device.MakeOps(Config(plan));
    std::vector<Norms> norms;
    for (int layer = 0; layer < shape_.groups; ++layer) norms.push_back(PackNorms(device, layer));
    if (shape_.stale) Poison(*ops, plan, norms);
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
        ops->Attend(spec, norms[static_cast<size_t>(layer)].weights(), layer, step.batch(), qkv.mat(), out.mat());
        const std::vector<float> values = out.Values();
        output.values.insert(output.values.end(), values.begin(), values.end());
        output.damage += out.Damage("out") + qkv.Damage("qkv");
      }
    }
    return output;
  }

  AttendShape shape_;
  std::vector<int> contexts_;
  size_t steps_ = 0;
};

}  // namespace

std::unique_ptr<Case> MakeAttendCase(AttendShape shape) { return std::make_unique<AttendCase>(std::move(shape)); }

}  // namespace spate::conformance
