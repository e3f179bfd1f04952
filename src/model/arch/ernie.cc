// ERNIE 4.5 (dense) and Helium: Llama with neighbouring values rotated together.
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/llama_tensors.h"

namespace spate {
namespace {

using nlohmann::json;

ModelSpec HeliumSpec(const json& config) {
  ModelSpec spec = LlamaLikeSpec(config);
  spec.ropes.front().style = RopeStyle::kInterleaved;
  return spec;
}

ModelSpec ErnieSpec(const json& config) {
  return HeliumSpec(WithDefaults(config, {{"tie_word_embeddings", true}, {"head_dim", 128}}));
}

}  // namespace

const Arch kErnieArch{"Ernie4_5ForCausalLM", ErnieSpec, kLlamaTensors, "ERNIE 4.5 0.3B"};
const Arch kHeliumArch{"HeliumForCausalLM", HeliumSpec, kLlamaTensors, "Helium 1 2B"};

}  // namespace spate
