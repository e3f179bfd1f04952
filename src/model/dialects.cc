#include "model/dialects.h"

#include <array>

namespace spate {
namespace {

constexpr std::array kGguf = {
    TensorRule{Slot::kEmbed, {"token_embd"}},
    TensorRule{Slot::kPositions, {"position_embd"}},
    TensorRule{Slot::kEmbedNorm, {"token_embd_norm"}},
    TensorRule{Slot::kFinalNorm, {"output_norm"}},
    TensorRule{Slot::kHead, {"output"}},
    TensorRule{Slot::kAttnNorm, {"blk.{l}.attn_norm_2"}},  // Falcon 40B and 180B, whose attn_norm is the other one
    TensorRule{Slot::kAttnNorm, {"blk.{l}.attn_norm"}},
    TensorRule{Slot::kQkv, {"blk.{l}.attn_q", "blk.{l}.attn_k", "blk.{l}.attn_v"}},
    TensorRule{Slot::kQkv, {"blk.{l}.attn_qkv"}},
    TensorRule{Slot::kQNorm, {"blk.{l}.attn_q_norm"}},
    TensorRule{Slot::kKNorm, {"blk.{l}.attn_k_norm"}},
    TensorRule{Slot::kAttnOut, {"blk.{l}.attn_output"}},
    TensorRule{Slot::kPostAttnNorm, {"blk.{l}.post_attention_norm"}},
    TensorRule{Slot::kFfnNorm, {"blk.{l}.ffn_norm"}},
    TensorRule{Slot::kFfnNorm, {"blk.{l}.attn_norm"}},
    TensorRule{Slot::kRouter, {"blk.{l}.ffn_gate_inp"}},
    TensorRule{Slot::kGateUp, {"blk.{l}.ffn_gate_exps", "blk.{l}.ffn_up_exps"}},
    TensorRule{Slot::kGateUp, {"blk.{l}.ffn_gate.{e}", "blk.{l}.ffn_up.{e}"}},  // files of early 2024
    TensorRule{Slot::kGateUp, {"blk.{l}.ffn_gate", "blk.{l}.ffn_up"}},
    TensorRule{Slot::kGateUp, {"blk.{l}.ffn_up"}},  // both in one, or not gated
    TensorRule{Slot::kDown, {"blk.{l}.ffn_down_exps"}},
    TensorRule{Slot::kDown, {"blk.{l}.ffn_down.{e}"}},
    TensorRule{Slot::kDown, {"blk.{l}.ffn_down"}},
    TensorRule{Slot::kSharedGateUp, {"blk.{l}.ffn_gate_shexp", "blk.{l}.ffn_up_shexp"}},
    TensorRule{Slot::kSharedDown, {"blk.{l}.ffn_down_shexp"}},
    TensorRule{Slot::kSharedGate, {"blk.{l}.ffn_gate_inp_shexp"}},
    TensorRule{Slot::kPostFfnNorm, {"blk.{l}.post_ffw_norm"}},
};

constexpr std::array kMeta = {
    TensorRule{Slot::kEmbed, {"tok_embeddings"}},
    TensorRule{Slot::kFinalNorm, {"norm"}},
    TensorRule{Slot::kHead, {"output"}},
    TensorRule{Slot::kAttnNorm, {"layers.{l}.attention_norm"}},
    TensorRule{Slot::kQkv, {"layers.{l}.attention.wq", "layers.{l}.attention.wk", "layers.{l}.attention.wv"}},
    TensorRule{Slot::kAttnOut, {"layers.{l}.attention.wo"}},
    TensorRule{Slot::kFfnNorm, {"layers.{l}.ffn_norm"}},
    TensorRule{Slot::kGateUp, {"layers.{l}.feed_forward.w1", "layers.{l}.feed_forward.w3"}},
    TensorRule{Slot::kDown, {"layers.{l}.feed_forward.w2"}},
};

}  // namespace

Dialect GgufNames(bool adjacent_pairs, bool norms_hold_offset) {
  return {.tensors = kGguf, .adjacent_pairs = adjacent_pairs, .norms_hold_offset = norms_hold_offset};
}

Dialect MetaNames() { return {.tensors = kMeta, .adjacent_pairs = true}; }

}  // namespace spate
