// Mixtral: Mistral with a mixture of experts in every layer.
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/llama_tensors.h"

namespace spate {
namespace {

using nlohmann::json;

// As published; then as later software keeps it: experts stacked in one tensor.
constexpr std::array kExperts = {
    TensorRule{Slot::kRouter, {"model.layers.{l}.block_sparse_moe.gate"}},
    TensorRule{Slot::kRouter, {"model.layers.{l}.mlp.gate"}},
    TensorRule{
        Slot::kGateUp,
        {"model.layers.{l}.block_sparse_moe.experts.{e}.w1", "model.layers.{l}.block_sparse_moe.experts.{e}.w3"}},
    TensorRule{.slot = Slot::kGateUp, .sources = {"model.layers.{l}.mlp.experts.gate_up_proj"}, .suffix = ""},
    TensorRule{Slot::kDown, {"model.layers.{l}.block_sparse_moe.experts.{e}.w2"}},
    TensorRule{.slot = Slot::kDown, .sources = {"model.layers.{l}.mlp.experts.down_proj"}, .suffix = ""},
};

constexpr auto kTensors = Join(kLlamaStem, Join(kLlamaFfnNorm, kExperts));

ModelSpec MixtralSpec(const json& config) {
  ModelSpec spec = LlamaLikeSpec(config);
  for (LayerSpec& layer : spec.layers) ReadExperts(config, "num_local_experts", layer.ffn);
  SetWindows(
      config, WindowField(config), [](const json&, int) { return true; }, spec);
  return spec;
}

}  // namespace

const Arch kMixtralArch{"MixtralForCausalLM", MixtralSpec, kTensors, "Mixtral 8x7B, 8x22B"};

}  // namespace spate
