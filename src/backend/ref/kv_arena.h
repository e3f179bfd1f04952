// The keys and values of all layers, [layer][block][kv head][token of the block][head_dim], each element
// rounded to KvLayout::dtype. Owned by an Ops, used by its thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backend/op_params.h"

namespace spate::ref {

class KvArena {
 public:
  // blocks: per group, how many. Throws Error when memory runs out or the dtype is not f32 or bf16.
  KvArena(const KvLayout& layout, std::span<const int32_t> blocks);

  const KvLayout& layout() const { return layout_; }

  // slot = block * kKvBlockTokens + offset. key, value [head_dim] of the layer.
  void Write(int layer, int slot, int kv_head, const float* key, const float* value);
  void Read(int layer, int slot, int kv_head, float* key, float* value) const;

 private:
  struct LayerData {
    std::vector<std::byte> keys;
    std::vector<std::byte> values;
  };
  size_t Offset(int layer, int slot, int kv_head) const;  // in bytes, into keys and values alike

  KvLayout layout_;
  std::vector<int32_t> blocks_;  // [groups]
  std::vector<LayerData> layers_;
};

}  // namespace spate::ref
