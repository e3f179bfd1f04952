#include "model/spec.h"

namespace spate {

int64_t ModelSpec::LayerParameters() const {
  int64_t count = 0;
  for (const LayerSpec& l : layers) {
    count += int64_t{dim} * l.attn.QkvWidth() + int64_t{dim} * l.attn.QueryWidth() + int64_t{3} * dim * l.ffn.hidden;
  }
  return count;
}

int64_t ModelSpec::Parameters() const {
  const int64_t table = int64_t{vocab} * dim;
  return LayerParameters() + (tied_head ? table : 2 * table) + int64_t{2 * Layers() + 1} * dim;
}

KvLayout MakeKvLayout(const ModelSpec& spec, DType kv_dtype) {
  KvLayout layout;
  layout.dtype = kv_dtype;
  for (const LayerSpec& l : spec.layers) {
    layout.layers.push_back({.group = 0, .kv_heads = l.attn.kv_heads, .head_dim = l.attn.head_dim});
  }
  return layout;
}

}  // namespace spate
