// Nemotron 3 and 4, Minitron: layer norms that multiply by 1 + w, squared ReLU without a gate, half of each head
// rotated.
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/gpt_spec.h"
#include "model/arch/llama_tensors.h"
#include "model/rope.h"

namespace spate {
namespace {

using nlohmann::json;

ModelSpec NemotronSpec(const json& config) {
  ModelSpec spec = LlamaLikeSpec(config);
  spec.norm = {NormKind::kLayer, FloatField(config, "norm_eps", 1e-5, 0, 1)};
  spec.norm_offset = 1;
  spec.ropes = {MakeRope(config, RotatedValues(config, spec.layers.front().attn.head_dim, 0.5), RopeStyle::kHalf)};
  const Act act = ActField(config, "hidden_act", "relu2");
  ForLayers(spec, [&](LayerSpec& layer) {
    layer.ffn.act = act;
    layer.ffn.gated = false;
  });
  return spec;
}

constexpr auto kTensors =
    Join(kLlamaStem, Join(kLlamaFfnNorm, std::array{
                                             TensorRule{Slot::kGateUp, {"model.layers.{l}.mlp.up_proj"}},
                                             TensorRule{Slot::kDown, {"model.layers.{l}.mlp.down_proj"}},
                                         }));

}  // namespace

const Arch kNemotronArch{"NemotronForCausalLM", NemotronSpec, kTensors,
                         "Nemotron-3 8B, Nemotron-4 340B, Minitron 4B and 8B"};

}  // namespace spate
