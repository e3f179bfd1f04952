#include "backend/ref/kv_arena.h"

#include <new>
#include <optional>

#include "base/check.h"
#include "base/error.h"
#include "base/math_util.h"

namespace spate::ref {

KvArena::KvArena(const KvLayout& layout, std::span<const int32_t> blocks)
    : layout_(layout), blocks_(blocks.begin(), blocks.end()) {
  if (layout.dtype != DType::kF32 && layout.dtype != DType::kBF16) {
    throw Error(ErrorCode::kUsage, "backend ref: the KV cache cannot be {}; expected f32 or bf16", Name(layout.dtype));
  }
  CHECK(static_cast<int>(blocks.size()) == layout.groups, "{} block counts of {} groups", blocks.size(), layout.groups);
  for (const KvLayout::Layer& layer : layout.layers) {
    CHECK(layer.group >= 0 && layer.group < layout.groups);
    const int64_t dims[] = {blocks_[static_cast<size_t>(layer.group)], kKvBlockTokens, layer.kv_heads, layer.head_dim,
                            Traits(layout.dtype).block_bytes};
    const std::optional<int64_t> bytes = CheckedProduct(dims);
    try {
      if (!bytes) throw std::bad_alloc();
      const std::vector<std::byte> zeros(static_cast<size_t>(*bytes));
      layers_.push_back({zeros, zeros});
    } catch (const std::exception&) {  // bad_alloc, or length_error beyond any memory
      throw Error(ErrorCode::kDoesNotFit,
                  "backend ref: no memory for the keys and values of {} KV blocks; use a smaller "
                  "context or fewer sequences",
                  dims[0]);
    }
  }
}

size_t KvArena::Offset(int layer, int slot, int kv_head) const {
  const KvLayout::Layer& shape = layout_.layers[static_cast<size_t>(layer)];
  const int block = slot / kKvBlockTokens;
  CHECK(slot >= 0 && block < blocks_[static_cast<size_t>(shape.group)], "slot {} in {} blocks", slot,
        blocks_[static_cast<size_t>(shape.group)]);
  CHECK(kv_head >= 0 && kv_head < shape.kv_heads, "kv head {} of {}", kv_head, shape.kv_heads);
  const size_t row = (static_cast<size_t>(block) * static_cast<size_t>(shape.kv_heads) + static_cast<size_t>(kv_head)) *
                         kKvBlockTokens +
                     static_cast<size_t>(slot % kKvBlockTokens);
  return row * static_cast<size_t>(shape.head_dim) * static_cast<size_t>(Traits(layout_.dtype).block_bytes);
}

void KvArena::Write(int layer, int slot, int kv_head, const float* key, const float* value) {
  const size_t offset = Offset(layer, slot, kv_head);
  const size_t head_dim = static_cast<size_t>(layout_.layers[static_cast<size_t>(layer)].head_dim);
  LayerData& data = layers_[static_cast<size_t>(layer)];
  Pack(layout_.dtype, key, data.keys.data() + offset, head_dim);
  Pack(layout_.dtype, value, data.values.data() + offset, head_dim);
}

void KvArena::Read(int layer, int slot, int kv_head, float* key, float* value) const {
  const size_t offset = Offset(layer, slot, kv_head);
  const size_t head_dim = static_cast<size_t>(layout_.layers[static_cast<size_t>(layer)].head_dim);
  const LayerData& data = layers_[static_cast<size_t>(layer)];
  Unpack(layout_.dtype, data.keys.data() + offset, key, head_dim);
  Unpack(layout_.dtype, data.values.data() + offset, value, head_dim);
}

}  // namespace spate::ref
