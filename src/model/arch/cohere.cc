// Command R: LayerNorm without bias, one norm for both branches, neighbouring values rotated together, a tied head with
// a scale. R+ normalizes each head of queries and keys with weights of its own; R7B and A see windows in three layers
// of four and rotate only there.
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/llama_tensors.h"
#include "model/rope.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr auto kTensors = Join(kLlamaStem, Join(kLlamaFfn, kHeadNorms));

ModelSpec CohereLikeSpec(const json& given, double theta) {
  const json config = WithDefaults(given, {{"tie_word_embeddings", true}, {"rope_theta", theta}});
  ModelSpec spec = LlamaLikeSpec(config);
  spec.norm = {NormKind::kLayer, FloatField(config, "layer_norm_eps", 1e-5, 0, 1)};
  spec.logit_scale = FloatField(config, "logit_scale", 0.0625, -1e6, 1e6);
  spec.ropes.front().style = RopeStyle::kInterleaved;
  for (LayerSpec& layer : spec.layers) {
    layer.parallel = true;
    layer.shared_norm = true;
  }
  return spec;
}

ModelSpec CohereSpec(const json& config) {
  ModelSpec spec = CohereLikeSpec(config, 500'000);
  if (GetBool(config, "use_qk_norm", false, kConfigFile)) SetQkNorm(QkNorm::kEachHead, spec);
  return spec;
}

ModelSpec Cohere2Spec(const json& config) {
  ModelSpec spec = CohereLikeSpec(config, 10'000);
  const auto windowed = [](const json& c, int layer) {
    return (layer + 1) % WholeField(c, "sliding_window_pattern", 4) != 0;
  };
  SetWindows(config, WholeField(config, "sliding_window", 4096, 1 << 30), windowed, spec);
  for (LayerSpec& layer : spec.layers) layer.attn.rope = layer.attn.window > 0 ? 0 : -1;
  return spec;
}

}  // namespace

const Arch kCohereArch{"CohereForCausalLM", CohereSpec, kTensors, "Command R, R+, Aya 23, Aya Expanse"};
const Arch kCohere2Arch{"Cohere2ForCausalLM", Cohere2Spec, kTensors, "Command R7B, A"};

}  // namespace spate
