// Aria: Llama with a mixture of experts in every layer, one of them for all tokens, whose matrices are kept stacked and
// transposed; published with a part that looks at pictures.
#include "base/error.h"
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/llama_tensors.h"

namespace spate {
namespace {

using nlohmann::json;

// As published; then as later software keeps it.
constexpr std::array kExperts = {
    TensorRule{Slot::kRouter, {"model.layers.{l}.mlp.router"}},
    TensorRule{.slot = Slot::kGateUp, .sources = {"model.layers.{l}.mlp.experts.fc1"}, .transposed = true},
    TensorRule{.slot = Slot::kGateUp,
               .sources = {"model.layers.{l}.mlp.experts.gate_up_proj"},
               .transposed = true,
               .suffix = ""},
    TensorRule{.slot = Slot::kDown, .sources = {"model.layers.{l}.mlp.experts.fc2"}, .transposed = true},
    TensorRule{
        .slot = Slot::kDown, .sources = {"model.layers.{l}.mlp.experts.down_proj"}, .transposed = true, .suffix = ""},
    TensorRule{Slot::kSharedGateUp,
               {"model.layers.{l}.mlp.shared_experts.gate_proj", "model.layers.{l}.mlp.shared_experts.up_proj"}},
    TensorRule{Slot::kSharedDown, {"model.layers.{l}.mlp.shared_experts.down_proj"}},
};

constexpr auto kTensors = Join(kLlamaStem, Join(kLlamaFfnNorm, kExperts));

ModelSpec AriaTextSpec(const json& config) {
  ModelSpec spec = LlamaLikeSpec(config);
  FfnSpec ffn = spec.layers.front().ffn;
  if (ffn.act != Act::kSilu) {
    throw Error(ErrorCode::kBadInput, "{}: hidden_act: expected silu, which the experts have in any case, got another",
                kConfigFile);
  }
  ffn.experts = WholeField(config, "moe_num_experts", 8, 1 << 12);
  ffn.active = WholeField(config, "moe_topk", 2, ffn.experts);
  ffn.shared_hidden = ffn.hidden * WholeField(config, "moe_num_shared_experts", 2, kMaxWidth / ffn.hidden);
  for (LayerSpec& layer : spec.layers) layer.ffn = ffn;
  return spec;
}

ModelSpec AriaSpec(const json& config) { return TextSpec(config, AriaTextSpec); }

}  // namespace

const Arch kAriaArch{.name = "AriaForConditionalGeneration",
                     .spec = AriaSpec,
                     .tensors = kTensors,
                     .models = "Aria (text)",
                     .parts = kTextOfMany};
const Arch kAriaTextArch{"AriaTextForCausalLM", AriaTextSpec, kTensors, "the language model of Aria by itself"};

}  // namespace spate
