// RoPE, the write to the KV cache and causal attention over it, in double.
#pragma once

#include "backend/ops.h"
#include "backend/ref/kv_arena.h"

namespace spate::ref {

// Rotates the leading 2 * inv_freq.size() values of `head` for `position`. The angle is an f32 product,
// as op_params.h says; its cosine and sine are exact.
void Rotate(const RopeTable& rope, int position, const float* head, int head_dim, double* out);

// qkv is left as it was. out [tokens, QueryWidth]
void Attend(const AttnSpec& spec, const RopeTable& rope, int layer, const Batch& batch, const Mat& qkv, const Mat& out,
            KvArena& kv);

}  // namespace spate::ref
