#include "backend/cpu/cpu_kv.h"

#include "backend/cpu/attention_kernels.h"
#include "base/check.h"
#include "base/error.h"
#include "base/math_util.h"

namespace spate::cpu {

KvArena::KvArena(const KvLayout& layout, std::span<const int32_t> blocks) : dtype_(layout.dtype) {
  if (dtype_ != DType::kF32 && dtype_ != DType::kBF16) {
    throw Error(ErrorCode::kUsage, "backend cpu: the KV cache cannot be {}; expected f32 or bf16", Name(dtype_));
  }
  CHECK(static_cast<int>(blocks.size()) == layout.groups, "{} block counts of {} groups", blocks.size(), layout.groups);
  const int64_t value_bytes = Traits(dtype_).block_bytes;
  for (const KvLayout::Layer& shape : layout.layers) {
    CHECK(shape.group >= 0 && shape.group < layout.groups && shape.kv_heads > 0 && shape.head_dim > 0);
    Layer layer{.group = shape.group,
                .kv_heads = shape.kv_heads,
                .head_dim = shape.head_dim,
                .blocks = blocks[static_cast<size_t>(shape.group)],
                .key_bytes = int64_t{KeyDims(shape.head_dim)} * kKvBlockTokens * value_bytes,
                .head_bytes = 0,
                .block_bytes = 0,
                .data = {}};
    layer.head_bytes = layer.key_bytes + int64_t{PaddedDims(shape.head_dim)} * kKvBlockTokens * value_bytes;
    layer.block_bytes = layer.head_bytes * shape.kv_heads;
    CHECK(layer.blocks >= 0, "{} KV blocks", layer.blocks);
    const std::optional<int64_t> bytes = CheckedMul(layer.block_bytes, layer.blocks);
    if (!bytes) {
      throw Error(ErrorCode::kDoesNotFit,
                  "backend cpu: {} KV blocks of {} bytes a layer are more than any memory; use a smaller context",
                  layer.blocks, layer.block_bytes);
    }
    layer.data = AlignedBuffer(static_cast<size_t>(*bytes));
    layers_.push_back(std::move(layer));
  }
}

}  // namespace spate::cpu
