// StableLM 3B and 2: layer norms, a part of each head rotated; 12B with a norm for each head and both branches behind
// one norm.
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/gpt_spec.h"
#include "model/arch/llama_tensors.h"
#include "model/rope.h"

namespace spate {
namespace {

using nlohmann::json;

ModelSpec StableLmSpec(const json& config) {
  ModelSpec spec = LlamaLikeSpec(config);
  spec.norm = {NormKind::kLayer, FloatField(config, FirstKey(config, {"layer_norm_eps", "norm_eps"}), 1e-5, 0, 1)};
  spec.ropes = {MakeRope(config, RotatedValues(config, spec.layers.front().attn.head_dim, 0.25), RopeStyle::kHalf)};
  const bool parallel = GetBool(config, "use_parallel_residual", false, kConfigFile);
  const bool qk_norm = GetBool(config, "qk_layernorm", false, kConfigFile);
  ForLayers(spec, [&](LayerSpec& layer) {
    layer.parallel = layer.shared_norm = parallel;
    if (!qk_norm) return;
    layer.attn.qk_norm = QkNorm::kEachHead;
    layer.attn.qk_norm_spec = spec.norm;
  });
  return spec;
}

constexpr auto kTensors =
    Join(kLlamaTensors, std::array{
                            TensorRule{Slot::kQNorm, {"model.layers.{l}.self_attn.q_layernorm.norms.{e}"}},
                            TensorRule{Slot::kKNorm, {"model.layers.{l}.self_attn.k_layernorm.norms.{e}"}},
                        });

}  // namespace

const Arch kStableLmArch{"StableLmForCausalLM", StableLmSpec, kTensors, "StableLM 3B, StableLM 2 1.6B and 12B, Zephyr"};
const Arch kStableLmEpochArch{"StableLMEpochForCausalLM", StableLmSpec, kTensors, "StableLM 3B as first published"};

}  // namespace spate
