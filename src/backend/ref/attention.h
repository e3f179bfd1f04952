// RoPE, the write to the KV cache and causal attention over it, in double.
#pragma once

#include "backend/ops.h"
#include "backend/ref/kv_arena.h"
#include "backend/ref/weights.h"

namespace spate::ref {

// What an AttnSpec names by index or leaves to the weights; null where it has none.
struct AttnData {
  const RopeTable* rope = nullptr;
  const AlibiSlopes* alibi = nullptr;
  const RefVec* query_norm = nullptr;
  const RefVec* key_norm = nullptr;
};

// Rotates the leading 2 * inv_freq.size() values of `head` for `position`. The angle is an f32 product,
// as op_params.h says; its cosine and sine are exact.
void Rotate(const RopeTable& rope, int position, const float* head, int head_dim, double* out);

// qkv is left as it was. out [tokens, QueryWidth]
void Attend(const AttnSpec& spec, const AttnData& data, int layer, const Batch& batch, const Mat& qkv, const Mat& out,
            KvArena& kv);

}  // namespace spate::ref
