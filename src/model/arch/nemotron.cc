// Nemotron 3 and 4, Minitron and AFM: feed-forward blocks without a gate, through the square of relu. Nemotron's norms
// are LayerNorm and multiply by 1 + w.
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/llama_tensors.h"
#include "model/rope.h"

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

ModelSpec NemotronSpec(const json& config) {
  ModelSpec spec = ArceeSpec(config);
  spec.norm = {NormKind::kLayer, FloatField(config, "norm_eps", 1e-5, 0, 1)};
  spec.norm_offset = 1;
  spec.ropes = {MakeRope(config, RotatedDims(config, spec.layers.front().attn.head_dim, 0.5), RopeStyle::kHalf)};
  return spec;
}

}  // namespace

const Arch kArceeArch{"ArceeForCausalLM", ArceeSpec, kTensors, "AFM 4.5B"};
const Arch kNemotronArch{"NemotronForCausalLM", NemotronSpec, kTensors, "Nemotron 3 8B, Nemotron 4, Minitron 4B, 8B"};

}  // namespace spate
