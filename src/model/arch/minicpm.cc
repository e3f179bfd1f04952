// MiniCPM 1, 2 and 4: Llama with scaled embeddings, branches and logits.
#include <cmath>

#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/llama_tensors.h"

namespace spate {
namespace {

using nlohmann::json;

ModelSpec MiniCpmSpec(const json& given) {
  const json config = WithDefaults(given, {{"tie_word_embeddings", true}});
  ModelSpec spec = LlamaLikeSpec(config);
  spec.embed_scale = FloatField(config, "scale_emb", 1, 1e-6, 1e6);
  spec.residual_scale = FloatField(config, "scale_depth", 1, 1e-6, 1e6) / std::sqrt(static_cast<float>(spec.Layers()));
  spec.logit_scale = FloatField(config, "dim_model_base", 1, 1e-6, 1e6) / static_cast<float>(spec.dim);
  return spec;
}

}  // namespace

const Arch kMiniCpmArch{"MiniCPMForCausalLM", MiniCpmSpec, kLlamaTensors, "MiniCPM 1B, 2B, MiniCPM4"};

}  // namespace spate
