// Phi: 1 to 2 with LayerNorm, biases everywhere and both branches fed by one norm; 3 to 4 in Llama's form, with q, k
// and v in one matrix and gate and up in another.
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/llama_tensors.h"
#include "model/rope.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr std::array kPhiTensors = {
    TensorRule{Slot::kEmbed, {"model.embed_tokens"}},
    TensorRule{Slot::kFinalNorm, {"model.final_layernorm"}},
    TensorRule{Slot::kHead, {"lm_head"}},
    TensorRule{Slot::kAttnNorm, {"model.layers.{l}.input_layernorm"}},
    TensorRule{Slot::kQkv,
               {"model.layers.{l}.self_attn.q_proj", "model.layers.{l}.self_attn.k_proj",
                "model.layers.{l}.self_attn.v_proj"}},
    TensorRule{Slot::kAttnOut, {"model.layers.{l}.self_attn.dense"}},
    TensorRule{Slot::kGateUp, {"model.layers.{l}.mlp.fc1"}},
    TensorRule{Slot::kDown, {"model.layers.{l}.mlp.fc2"}},
};

ModelSpec PhiSpec(const json& config) {
  ModelSpec spec = LlamaLikeSpec(config);
  spec.norm = {NormKind::kLayer, FloatField(config, "layer_norm_eps", 1e-5, 0, 1)};
  spec.ropes = {MakeRope(config, RotatedDims(config, spec.layers.front().attn.head_dim, 0.5), RopeStyle::kHalf)};
  for (LayerSpec& layer : spec.layers) {
    layer.parallel = true;
    layer.shared_norm = true;
    layer.ffn.gated = false;
    layer.ffn.act = ActField(config, "hidden_act", "gelu_new");
  }
  return spec;
}

constexpr std::array kPhi3Tensors = {
    TensorRule{Slot::kEmbed, {"model.embed_tokens"}},
    TensorRule{Slot::kFinalNorm, {"model.norm"}},
    TensorRule{Slot::kHead, {"lm_head"}},
    TensorRule{Slot::kAttnNorm, {"model.layers.{l}.input_layernorm"}},
    TensorRule{Slot::kFfnNorm, {"model.layers.{l}.post_attention_layernorm"}},
    TensorRule{Slot::kQkv, {"model.layers.{l}.self_attn.qkv_proj"}},
    TensorRule{Slot::kAttnOut, {"model.layers.{l}.self_attn.o_proj"}},
    TensorRule{Slot::kGateUp, {"model.layers.{l}.mlp.gate_up_proj"}},
    TensorRule{Slot::kDown, {"model.layers.{l}.mlp.down_proj"}},
};

ModelSpec Phi3Spec(const json& config) {
  ModelSpec spec = LlamaLikeSpec(config);
  SetWindows(
      config, WindowField(config), [](const json&, int) { return true; }, spec);
  return spec;
}

}  // namespace

const Arch kPhiArch{"PhiForCausalLM", PhiSpec, kPhiTensors, "Phi-1, Phi-1.5, Phi-2"};
const Arch kPhi3Arch{"Phi3ForCausalLM", Phi3Spec, kPhi3Tensors,
                     "Phi-3 mini and medium, Phi-3.5 mini, Phi-4, Phi-4 mini"};

}  // namespace spate
