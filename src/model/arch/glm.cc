// GLM-4-9B and GLM-4-0414 as transformers exports them: neighbouring values of half of each head rotated, gate and up
// in one matrix; 0414 with norms on both sides of each branch.
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/gpt_spec.h"
#include "model/arch/llama_tensors.h"
#include "model/rope.h"

namespace spate {
namespace {

using nlohmann::json;

ModelSpec GlmSpec(const json& config) {
  ModelSpec spec = LlamaLikeSpec(config);
  spec.ropes = {
      MakeRope(config, RotatedValues(config, spec.layers.front().attn.head_dim, 0.5), RopeStyle::kInterleaved)};
  return spec;
}

ModelSpec Glm4Spec(const json& config) {
  ModelSpec spec = GlmSpec(config);
  ForLayers(spec, [](LayerSpec& layer) { layer.post_norms = true; });
  return spec;
}

constexpr auto kGlmTensors =
    Join(kLlamaStem, Join(kLlamaFfnNorm, std::array{
                                             TensorRule{Slot::kGateUp, {"model.layers.{l}.mlp.gate_up_proj"}},
                                             TensorRule{Slot::kDown, {"model.layers.{l}.mlp.down_proj"}},
                                         }));
constexpr auto kGlm4Tensors =
    Join(kGlmTensors, std::array{
                          TensorRule{Slot::kPostAttnNorm, {"model.layers.{l}.post_self_attn_layernorm"}},
                          TensorRule{Slot::kPostFfnNorm, {"model.layers.{l}.post_mlp_layernorm"}},
                      });

}  // namespace

const Arch kGlmArch{"GlmForCausalLM", GlmSpec, kGlmTensors, "GLM-4-9B-HF, GLM-Edge"};
const Arch kGlm4Arch{"Glm4ForCausalLM", Glm4Spec, kGlm4Tensors, "GLM-4-0414 9B and 32B, GLM-Z1"};

}  // namespace spate
