// AFM: Llama with feed-forward blocks that have no gate and square what relu leaves.
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/llama_tensors.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr std::array kUngated = {
    TensorRule{Slot::kGateUp, {"model.layers.{l}.mlp.up_proj"}},
    TensorRule{Slot::kDown, {"model.layers.{l}.mlp.down_proj"}},
};

constexpr auto kTensors = Join(kLlamaStem, Join(kLlamaFfnNorm, kUngated));

ModelSpec ArceeSpec(const json& config) {
  ModelSpec spec = LlamaLikeSpec(config);
  for (LayerSpec& layer : spec.layers) {
    layer.ffn.gated = false;
    layer.ffn.act = ActField(config, "hidden_act", "relu2");
  }
  return spec;
}

}  // namespace

const Arch kArceeArch{"ArceeForCausalLM", ArceeSpec, kTensors, "AFM 4.5B"};

}  // namespace spate
