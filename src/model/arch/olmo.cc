// OLMo 1: norms without weights, q, k and v may be clamped. OLMo 2: norms behind the branches instead of before them,
// and of all query heads together, as of all key heads.
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/gpt_spec.h"
#include "model/arch/llama_tensors.h"

namespace spate {
namespace {

using nlohmann::json;

ModelSpec OlmoSpec(const json& config) {
  ModelSpec spec = LlamaLikeSpec(config);
  spec.norm = {NormKind::kLayer, 1e-5f};
  spec.norm_weights = false;
  const float clip = FloatField(config, "clip_qkv", 0, 0, 1e6);
  ForLayers(spec, [&](LayerSpec& layer) { layer.attn.clip = clip; });
  return spec;
}

ModelSpec Olmo2Spec(const json& config) {
  ModelSpec spec = LlamaLikeSpec(config);
  ForLayers(spec, [&](LayerSpec& layer) {
    layer.pre_norms = false;
    layer.post_norms = true;
    layer.attn.qk_norm = QkNorm::kWidth;
    layer.attn.qk_norm_spec = spec.norm;
  });
  return spec;
}

constexpr auto kOlmo2Tensors =
    Join(Join(kLlamaStem, kHeadNorms),
         Join(kLlamaFfn, std::array{
                             TensorRule{Slot::kPostAttnNorm, {"model.layers.{l}.post_attention_layernorm"}},
                             TensorRule{Slot::kPostFfnNorm, {"model.layers.{l}.post_feedforward_layernorm"}},
                         }));

}  // namespace

const Arch kOlmoArch{"OlmoForCausalLM", OlmoSpec, kLlamaTensors, "OLMo 1B, 7B (first generation)"};
const Arch kOlmo2Arch{"Olmo2ForCausalLM", Olmo2Spec, kOlmo2Tensors, "OLMo 2 1B, 7B, 13B, 32B"};

}  // namespace spate
