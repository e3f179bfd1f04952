// Granite 3 and 4: Llama with four multipliers; dense, or with experts that are stored stacked.
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/llama_tensors.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr std::array kExperts = {
    TensorRule{Slot::kRouter, {"model.layers.{l}.block_sparse_moe.router.layer"}},
    TensorRule{Slot::kGateUp, {"model.layers.{l}.block_sparse_moe.input_linear"}},
    TensorRule{Slot::kDown, {"model.layers.{l}.block_sparse_moe.output_linear"}},
};

constexpr std::array kShared = {
    TensorRule{Slot::kSharedGateUp, {"model.layers.{l}.shared_mlp.input_linear"}},
    TensorRule{Slot::kSharedDown, {"model.layers.{l}.shared_mlp.output_linear"}},
};

constexpr auto kMoeTensors = Join(kLlamaStem, Join(kLlamaFfnNorm, kExperts));
constexpr auto kMoeSharedTensors = Join(kMoeTensors, kShared);

ModelSpec GraniteSpec(const json& config) {
  ModelSpec spec = LlamaLikeSpec(config);
  spec.embed_scale = FloatField(config, "embedding_multiplier", 1, -1e6, 1e6);
  spec.residual_scale = FloatField(config, "residual_multiplier", 1, -1e6, 1e6);
  spec.logit_scale = 1 / FloatField(config, "logits_scaling", 1, 1e-6, 1e6);
  const float scale = FloatField(config, "attention_multiplier", 1, -1e6, 1e6);
  for (LayerSpec& layer : spec.layers) layer.attn.scale = scale;
  return spec;
}

ModelSpec GraniteMoeSpec(const json& config) {
  ModelSpec spec = GraniteSpec(config);
  for (LayerSpec& layer : spec.layers) ReadExperts(config, "num_local_experts", layer.ffn);
  return spec;
}

ModelSpec GraniteMoeSharedSpec(const json& config) {
  ModelSpec spec = GraniteMoeSpec(config);
  const auto shared = GetInt(config, "shared_intermediate_size", 0, 0, kMaxWidth, kConfigFile);
  for (LayerSpec& layer : spec.layers) layer.ffn.shared_hidden = static_cast<int>(shared);
  return spec;
}

}  // namespace

const Arch kGraniteArch{"GraniteForCausalLM", GraniteSpec, kLlamaTensors, "Granite 3.0 to 3.3 2B, 8B"};
const Arch kGraniteMoeArch{"GraniteMoeForCausalLM", GraniteMoeSpec, kMoeTensors, "Granite 3.0, 3.1 1B-A400M, 3B-A800M"};
const Arch kGraniteMoeSharedArch{"GraniteMoeSharedForCausalLM", GraniteMoeSharedSpec, kMoeSharedTensors,
                                 "Granite MoE with a shared expert"};

}  // namespace spate
