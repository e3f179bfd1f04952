#include "backend/ref/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "backend/ref/mat.h"
#include "base/check.h"

namespace spate::ref {
namespace {

void WriteKeysAndValues(const AttnSpec& spec, const RopeTable& rope, int layer, const Batch& batch, const KvView& view,
                        const Mat& qkv, KvArena& kv) {
  const int head_dim = spec.head_dim;
  std::vector<double> rotated(static_cast<size_t>(head_dim));
  std::vector<float> key(static_cast<size_t>(head_dim));
  for (int t = 0; t < batch.tokens; ++t) {
    for (int h = 0; h < spec.kv_heads; ++h) {
      const float* k = Row(qkv, t) + (spec.heads + h) * head_dim;
      const float* v = Row(qkv, t) + (spec.heads + spec.kv_heads + h) * head_dim;
      Rotate(rope, batch.positions[t], k, head_dim, rotated.data());
      for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<float>(rotated[i]);
      kv.Write(layer, view.write_slot[t], h, key.data(), v);
    }
  }
}

// softmax(scale q.k) v over `positions` keys. keys, values [positions, head_dim]
void AttendOne(const std::vector<double>& query, double scale, const std::vector<float>& keys,
               const std::vector<float>& values, int positions, float* out) {
  const size_t head_dim = query.size();
  std::vector<double> weights(static_cast<size_t>(positions));
  double max = -std::numeric_limits<double>::infinity();
  for (size_t p = 0; p < weights.size(); ++p) {
    double dot = 0;
    for (size_t i = 0; i < head_dim; ++i) dot += query[i] * static_cast<double>(keys[p * head_dim + i]);
    weights[p] = scale * dot;
    max = std::max(max, weights[p]);
  }
  double sum = 0;
  for (double& weight : weights) {
    weight = std::exp(weight - max);
    sum += weight;
  }
  for (size_t i = 0; i < head_dim; ++i) {
    double mixed = 0;
    for (size_t p = 0; p < weights.size(); ++p) mixed += weights[p] * static_cast<double>(values[p * head_dim + i]);
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

void Attend(const AttnSpec& spec, const RopeTable& rope, int layer, const Batch& batch, const Mat& qkv, const Mat& out,
            KvArena& kv) {
  CHECK(layer >= 0 && static_cast<size_t>(layer) < kv.layout().layers.size(), "layer {}", layer);
  CHECK(spec.kv_heads > 0 && spec.heads % spec.kv_heads == 0, "{} heads, {} kv heads", spec.heads, spec.kv_heads);
  CheckShape("qkv", qkv, batch.tokens, spec.QkvWidth());
  CheckShape("out", out, batch.tokens, spec.QueryWidth());
  const size_t group = static_cast<size_t>(kv.layout().layers[static_cast<size_t>(layer)].group);
  CHECK(group < batch.kv.size(), "KV group {} of {}", group, batch.kv.size());
  const KvView& view = batch.kv[group];

  WriteKeysAndValues(spec, rope, layer, batch, view, qkv, kv);

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
          Rotate(rope, batch.positions[t], Row(qkv, t) + h * head_dim, head_dim, query.data());
          AttendOne(query, static_cast<double>(spec.scale), keys, values, batch.positions[t] + 1,
                    Row(out, t) + h * head_dim);
        }
      }
    }
  }
}

}  // namespace spate::ref
