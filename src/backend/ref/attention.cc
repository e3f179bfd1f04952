#include "backend/ref/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "backend/ref/mat.h"
#include "backend/ref/norm.h"
#include "base/check.h"

namespace spate::ref {
namespace {

// Clamps the row [q | k | v] and normalizes its q and k, into `out`.
void Prepare(const AttnSpec& spec, const AttnData& data, const float* row, std::vector<float>& out) {
  out.assign(row, row + spec.QkvWidth());
  if (spec.clip > 0) {
    for (float& value : out) value = std::clamp(value, -spec.clip, spec.clip);
  }
  const auto normalize = [&](const RefVec* weight, int first_head, int heads) {
    if (spec.qk_norm == QkNorm::kNone) return;
    const int groups = spec.qk_norm == QkNorm::kWidth ? 1 : heads;
    const size_t size = static_cast<size_t>(heads / groups * spec.head_dim);
    float* values = out.data() + first_head * spec.head_dim;
    for (int g = 0; g < groups; ++g) {
      const size_t at = spec.qk_norm == QkNorm::kEachHead ? static_cast<size_t>(g) * size : 0;
      CHECK(weight != nullptr && at + size <= weight->values().size(), "a norm of {} values", size);
      float* x = values + static_cast<size_t>(g) * size;
      Normalize(spec.qk_norm_spec, x, size, weight->values().data() + at, nullptr, x);
    }
  };
  normalize(data.query_norm, 0, spec.heads);
  normalize(data.key_norm, spec.heads, spec.kv_heads);
}

void RotateIf(const RopeTable* rope, int position, const float* head, int head_dim, double* out) {
  if (rope != nullptr) return Rotate(*rope, position, head, head_dim, out);
  for (int i = 0; i < head_dim; ++i) out[i] = static_cast<double>(head[i]);
}

void WriteKeysAndValues(const AttnSpec& spec, const RopeTable* rope, int layer, const Batch& batch, const KvView& view,
                        const std::vector<std::vector<float>>& qkv, KvArena& kv) {
  const int head_dim = spec.head_dim;
  std::vector<double> rotated(static_cast<size_t>(head_dim));
  std::vector<float> key(static_cast<size_t>(head_dim));
  for (int t = 0; t < batch.tokens; ++t) {
    for (int h = 0; h < spec.kv_heads; ++h) {
      const float* row = qkv[static_cast<size_t>(t)].data();
      const float* k = row + (spec.heads + h) * head_dim;
      const float* v = row + (spec.heads + spec.kv_heads + h) * head_dim;
      RotateIf(rope, batch.positions[t], k, head_dim, rotated.data());
      for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<float>(rotated[i]);
      kv.Write(layer, view.write_slot[t], h, key.data(), v);
    }
  }
}

// softmax(scores) v over the keys that a query at `position` sees. keys, values [position + 1 or more, head_dim]
void AttendOne(const AttnSpec& spec, double slope, const std::vector<double>& query, const std::vector<float>& keys,
               const std::vector<float>& values, int position, float* out) {
  const size_t head_dim = query.size();
  const size_t first = spec.window > 0 ? static_cast<size_t>(std::max(position + 1 - spec.window, 0)) : 0;
  std::vector<double> weights(static_cast<size_t>(position) + 1, -std::numeric_limits<double>::infinity());
  double max = -std::numeric_limits<double>::infinity();
  for (size_t p = first; p < weights.size(); ++p) {
    double dot = 0;
    for (size_t i = 0; i < head_dim; ++i) dot += query[i] * static_cast<double>(keys[p * head_dim + i]);
    double score = static_cast<double>(spec.scale) * dot;
    if (spec.softcap > 0)
      score = static_cast<double>(spec.softcap) * std::tanh(score / static_cast<double>(spec.softcap));
    weights[p] = score + slope * (static_cast<double>(p) - position);
    max = std::max(max, weights[p]);
  }
  double sum = 0;
  for (double& weight : weights) {
    weight = std::exp(weight - max);
    sum += weight;
  }
  for (size_t i = 0; i < head_dim; ++i) {
    double mixed = 0;
    for (size_t p = first; p < weights.size(); ++p) mixed += weights[p] * static_cast<double>(values[p * head_dim + i]);
    out[i] = static_cast<float>(mixed / sum);
  }
}

}  // namespace

void Rotate(const RopeTable& rope, int position, const float* head, int head_dim, double* out) {
  const size_t pairs = rope.inv_freq.size();
  CHECK(2 * pairs <= static_cast<size_t>(head_dim), "{} rotated pairs in a head of {}", pairs, head_dim);
  for (int i = 0; i < head_dim; ++i) out[i] = static_cast<double>(head[i]);
  for (size_t i = 0; i < pairs; ++i) {
    const size_t a = rope.style == RopeStyle::kHalf ? i : 2 * i;
    const size_t b = rope.style == RopeStyle::kHalf ? i + pairs : 2 * i + 1;
    const float angle = static_cast<float>(position) * rope.inv_freq[i];
    const double c = std::cos(static_cast<double>(angle)) * static_cast<double>(rope.magnitude);
    const double s = std::sin(static_cast<double>(angle)) * static_cast<double>(rope.magnitude);
    const double x = static_cast<double>(head[a]);
    const double y = static_cast<double>(head[b]);
    out[a] = x * c - y * s;
    out[b] = y * c + x * s;
  }
}

void Attend(const AttnSpec& spec, const AttnData& data, int layer, const Batch& batch, const Mat& qkv, const Mat& out,
            KvArena& kv) {
  CHECK(layer >= 0 && static_cast<size_t>(layer) < kv.layout().layers.size(), "layer {}", layer);
  CHECK(spec.kv_heads > 0 && spec.heads % spec.kv_heads == 0, "{} heads, {} kv heads", spec.heads, spec.kv_heads);
  CheckShape("qkv", qkv, batch.tokens, spec.QkvWidth());
  CheckShape("out", out, batch.tokens, spec.QueryWidth());
  const size_t group = static_cast<size_t>(kv.layout().layers[static_cast<size_t>(layer)].group);
  CHECK(group < batch.kv.size(), "KV group {} of {}", group, batch.kv.size());
  const KvView& view = batch.kv[group];

  CHECK(data.alibi == nullptr || data.alibi->size() == static_cast<size_t>(spec.heads), "{} heads", spec.heads);
  std::vector<std::vector<float>> prepared(static_cast<size_t>(batch.tokens));
  for (int t = 0; t < batch.tokens; ++t) Prepare(spec, data, Row(qkv, t), prepared[static_cast<size_t>(t)]);
  WriteKeysAndValues(spec, data.rope, layer, batch, view, prepared, kv);

  const int head_dim = spec.head_dim;
  std::vector<double> query(static_cast<size_t>(head_dim));
  std::vector<float> keys;  // of one sequence and head: [context, head_dim]
  std::vector<float> values;
  for (int s = 0; s < batch.sequences; ++s) {
    const int context = batch.context_len[s];
    CHECK(context <= view.max_blocks * kKvBlockTokens, "{} positions in {} blocks", context, view.max_blocks);
    keys.resize(static_cast<size_t>(context) * static_cast<size_t>(head_dim));
    values.resize(keys.size());
    for (int kv_head = 0; kv_head < spec.kv_heads; ++kv_head) {
      for (int p = 0; p < context; ++p) {
        const int block = view.block_table[s * view.max_blocks + p / kKvBlockTokens];
        const size_t row = static_cast<size_t>(p) * static_cast<size_t>(head_dim);
        kv.Read(layer, block * kKvBlockTokens + p % kKvBlockTokens, kv_head, keys.data() + row, values.data() + row);
      }
      const int sharing = spec.heads / spec.kv_heads;
      for (int t = batch.query_start[s]; t < batch.query_start[s + 1]; ++t) {
        CHECK(batch.positions[t] < context, "position {} of {}", batch.positions[t], context);
        for (int h = kv_head * sharing; h < (kv_head + 1) * sharing; ++h) {
          RotateIf(data.rope, batch.positions[t], prepared[static_cast<size_t>(t)].data() + h * head_dim, head_dim,
                   query.data());
          const double slope = data.alibi == nullptr ? 0.0 : static_cast<double>((*data.alibi)[static_cast<size_t>(h)]);
          AttendOne(spec, slope, query, keys, values, batch.positions[t], Row(out, t) + h * head_dim);
        }
      }
    }
  }
}

}  // namespace spate::ref
