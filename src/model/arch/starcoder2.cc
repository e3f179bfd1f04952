// StarCoder2: layer norms and biases around Llama's names, a window in every layer, no gate.
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/gpt_spec.h"
#include "model/arch/llama_tensors.h"
#include "model/rope.h"

namespace spate {
namespace {

using nlohmann::json;

ModelSpec Starcoder2Spec(const json& config) {
  ModelSpec spec = GptSpec(config, {.eps = "norm_epsilon", .act = "hidden_act", .default_act = "gelu_pytorch_tanh"});
  const AttnSpec& plain = spec.layers.front().attn;
  const int kv_heads = WholeField(config, "num_key_value_heads", plain.heads, 1 << 16);
  const AttnSpec attn = MakeAttn(spec.dim, plain.heads, kv_heads, {});
  ForLayers(spec, [&](LayerSpec& layer) { layer.attn = attn; });
  spec.ropes.push_back(MakeRope(config, attn.head_dim, RopeStyle::kHalf));
  const auto window = static_cast<int>(GetInt(config, "sliding_window", 0, 0, int64_t{1} << 30, kConfigFile));
  SetWindows(
      config, window, [](const json&, int) { return true; }, spec);
  return spec;
}

constexpr auto kTensors =
    Join(kLlamaStem, Join(kLlamaFfnNorm, std::array{
                                             TensorRule{Slot::kGateUp, {"model.layers.{l}.mlp.c_fc"}},
                                             TensorRule{Slot::kDown, {"model.layers.{l}.mlp.c_proj"}},
                                         }));

}  // namespace

const Arch kStarcoder2Arch{"Starcoder2ForCausalLM", Starcoder2Spec, kTensors, "StarCoder2 3B, 7B, 15B"};

}  // namespace spate
