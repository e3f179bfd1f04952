// GPT-NeoX: a part of each head rotated, biases everywhere, q, k and v together for each head.
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/gpt_spec.h"
#include "model/rope.h"

namespace spate {
namespace {

using nlohmann::json;

ModelSpec GptNeoxSpec(const json& config) {
  ModelSpec spec =
      GptSpec(config, {.eps = "layer_norm_eps", .act = "hidden_act", .default_act = "gelu", .tied = false});
  json rope = config;
  if (const json* base = FindField(config, "rotary_emb_base", kConfigFile)) rope["rope_theta"] = *base;
  const int head_dim = spec.layers.front().attn.head_dim;
  spec.ropes.push_back(MakeRope(rope, RotatedValues(config, head_dim, 0.25), RopeStyle::kHalf));
  const bool parallel = GetBool(config, "use_parallel_residual", true, kConfigFile);
  ForLayers(spec, [&](LayerSpec& layer) {
    layer.attn.rope = 0;
    layer.parallel = parallel;
  });
  return spec;
}

constexpr std::array kTensors = {
    TensorRule{Slot::kEmbed, {"gpt_neox.embed_in"}},
    TensorRule{Slot::kFinalNorm, {"gpt_neox.final_layer_norm"}},
    TensorRule{Slot::kHead, {"embed_out"}},
    TensorRule{Slot::kHead, {"lm_head"}},
    TensorRule{Slot::kAttnNorm, {"gpt_neox.layers.{l}.input_layernorm"}},
    TensorRule{Slot::kQkv, {"gpt_neox.layers.{l}.attention.query_key_value"}, RowOrder::kByGroup},
    TensorRule{Slot::kAttnOut, {"gpt_neox.layers.{l}.attention.dense"}},
    TensorRule{Slot::kFfnNorm, {"gpt_neox.layers.{l}.post_attention_layernorm"}},
    TensorRule{Slot::kGateUp, {"gpt_neox.layers.{l}.mlp.dense_h_to_4h"}},
    TensorRule{Slot::kDown, {"gpt_neox.layers.{l}.mlp.dense_4h_to_h"}},
};

}  // namespace

const Arch kGptNeoxArch{"GPTNeoXForCausalLM", GptNeoxSpec, kTensors,
                        "Pythia, GPT-NeoX-20B, Dolly 2, RedPajama-INCITE, StableLM Alpha"};

}  // namespace spate
