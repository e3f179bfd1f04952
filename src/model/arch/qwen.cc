// Qwen 1.5 to 3: Llama's layout with biases on q, k and v (found by name) in the older ones and a norm on each head of
// queries and keys in Qwen3; dense, or mixtures of experts with an expert for all tokens in Qwen2.
#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/llama_tensors.h"

namespace spate {
namespace {

using nlohmann::json;

// Beside Llama's: layers that stay dense keep kLlamaFfn's names.
constexpr std::array kExperts = {
    TensorRule{Slot::kRouter, {"model.layers.{l}.mlp.gate"}},
    TensorRule{Slot::kGateUp,
               {"model.layers.{l}.mlp.experts.{e}.gate_proj", "model.layers.{l}.mlp.experts.{e}.up_proj"}},
    TensorRule{.slot = Slot::kGateUp, .sources = {"model.layers.{l}.mlp.experts.gate_up_proj"}, .suffix = ""},
    TensorRule{Slot::kDown, {"model.layers.{l}.mlp.experts.{e}.down_proj"}},
    TensorRule{.slot = Slot::kDown, .sources = {"model.layers.{l}.mlp.experts.down_proj"}, .suffix = ""},
};

constexpr std::array kSharedExpert = {
    TensorRule{Slot::kSharedGateUp,
               {"model.layers.{l}.mlp.shared_expert.gate_proj", "model.layers.{l}.mlp.shared_expert.up_proj"}},
    TensorRule{Slot::kSharedDown, {"model.layers.{l}.mlp.shared_expert.down_proj"}},
    TensorRule{Slot::kSharedGate, {"model.layers.{l}.mlp.shared_expert_gate"}},
};

constexpr auto kQwen3Tensors = Join(kLlamaTensors, kHeadNorms);
constexpr auto kQwen2MoeTensors = Join(kLlamaTensors, Join(kExperts, kSharedExpert));
constexpr auto kQwen3MoeTensors = Join(kQwen3Tensors, kExperts);

ModelSpec Qwen2Spec(const json& config) {
  ModelSpec spec = LlamaLikeSpec(config);
  if (!GetBool(config, "use_sliding_window", false, kConfigFile)) return spec;
  const auto windowed = [](const json& c, int layer) {
    return layer >= GetInt(c, "max_window_layers", 28, 0, 1 << 16, kConfigFile);
  };
  SetWindows(config, WindowField(config), windowed, spec);
  return spec;
}

ModelSpec Qwen3Spec(const json& config) {
  ModelSpec spec = Qwen2Spec(config);
  SetQkNorm(QkNorm::kHead, spec);
  return spec;
}

// Whether a layer of a mixture has no experts.
bool IsDense(const json& config, int layer) {
  if ((layer + 1) % WholeField(config, "decoder_sparse_step", 1) != 0) return true;
  const json* dense = FindArray(config, "mlp_only_layers", kConfigFile);
  return dense != nullptr && std::find(dense->begin(), dense->end(), layer) != dense->end();
}

ModelSpec MixtureSpec(const json& config) {
  // Nobody published one with windows, and implementations differ in which layers they would be.
  if (GetBool(config, "use_sliding_window", false, kConfigFile)) {
    throw Error(ErrorCode::kBadInput, "{}: use_sliding_window: expected false in a mixture of experts, got true",
                kConfigFile);
  }
  ModelSpec spec = LlamaLikeSpec(config);
  FfnSpec experts = spec.layers.front().ffn;
  experts.hidden = WholeField(config, "moe_intermediate_size", {});
  ReadExperts(config, "num_experts", experts);
  experts.renormalize = GetBool(config, "norm_topk_prob", false, kConfigFile);
  for (int l = 0; l < spec.Layers(); ++l) {
    if (!IsDense(config, l)) spec.layers[static_cast<size_t>(l)].ffn = experts;
  }
  return spec;
}

ModelSpec Qwen2MoeSpec(const json& config) {
  ModelSpec spec = MixtureSpec(config);
  const int shared = WholeField(config, "shared_expert_intermediate_size", {});
  for (LayerSpec& layer : spec.layers) {
    if (layer.ffn.experts == 0) continue;
    layer.ffn.shared_hidden = shared;
    layer.ffn.shared_gate = true;
  }
  return spec;
}

ModelSpec Qwen3MoeSpec(const json& config) {
  ModelSpec spec = MixtureSpec(config);
  SetQkNorm(QkNorm::kHead, spec);
  return spec;
}

}  // namespace

const Arch kQwen2Arch{"Qwen2ForCausalLM", Qwen2Spec, kLlamaTensors, "Qwen1.5, Qwen2, Qwen2.5, QwQ"};
const Arch kQwen3Arch{"Qwen3ForCausalLM", Qwen3Spec, kQwen3Tensors, "Qwen3 0.6B to 32B"};
const Arch kQwen2MoeArch{"Qwen2MoeForCausalLM", Qwen2MoeSpec, kQwen2MoeTensors, "Qwen1.5-MoE-A2.7B, Qwen2-57B-A14B"};
const Arch kQwen3MoeArch{"Qwen3MoeForCausalLM", Qwen3MoeSpec, kQwen3MoeTensors, "Qwen3-30B-A3B, Qwen3-235B-A22B"};

}  // namespace spate
