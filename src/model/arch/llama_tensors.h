// The tensor names that Llama's descendants share, in pieces that architectures join.
#pragma once

#include <array>

#include "model/arch.h"

namespace spate {

// All but the feed-forward block.
inline constexpr std::array kLlamaStem = {
    TensorRule{Slot::kEmbed, {"model.embed_tokens"}},
    TensorRule{Slot::kFinalNorm, {"model.norm"}},
    TensorRule{Slot::kHead, {"lm_head"}},
    TensorRule{Slot::kAttnNorm, {"model.layers.{l}.input_layernorm"}},
    TensorRule{Slot::kQkv,
               {"model.layers.{l}.self_attn.q_proj", "model.layers.{l}.self_attn.k_proj",
                "model.layers.{l}.self_attn.v_proj"}},
    TensorRule{Slot::kAttnOut, {"model.layers.{l}.self_attn.o_proj"}},
};

inline constexpr std::array kLlamaFfnNorm = {
    TensorRule{Slot::kFfnNorm, {"model.layers.{l}.post_attention_layernorm"}},
};

inline constexpr std::array kLlamaFfn = {
    TensorRule{Slot::kGateUp, {"model.layers.{l}.mlp.gate_proj", "model.layers.{l}.mlp.up_proj"}},
    TensorRule{Slot::kDown, {"model.layers.{l}.mlp.down_proj"}},
};

inline constexpr std::array kHeadNorms = {
    TensorRule{Slot::kQNorm, {"model.layers.{l}.self_attn.q_norm"}},
    TensorRule{Slot::kKNorm, {"model.layers.{l}.self_attn.k_norm"}},
};

// A model that also looks at pictures.
inline constexpr std::array<std::string_view, 2> kPictureParts = {"vision_tower.", "multi_modal_projector."};
inline constexpr Parts kTextOfMany{"language_model.", kPictureParts};

inline constexpr auto kLlamaTensors = Join(kLlamaStem, Join(kLlamaFfnNorm, kLlamaFfn));

}  // namespace spate
