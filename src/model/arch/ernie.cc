// ERNIE 4.5 (dense) and Helium: Llama with neighbouring values of a head rotated together.
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/llama_tensors.h"

namespace spate {
namespace {

using nlohmann::json;

ModelSpec InterleavedSpec(const json& config) {
  ModelSpec spec = LlamaLikeSpec(config);
  spec.ropes.front().style = RopeStyle::kInterleaved;
  return spec;
}

ModelSpec ErnieSpec(const json& config) {
  ModelSpec spec = InterleavedSpec(config);
  spec.tied_head = GetBool(config, "tie_word_embeddings", true, kConfigFile);
  return spec;
}

}  // namespace

const Arch kErnieArch{"Ernie4_5ForCausalLM", ErnieSpec, kLlamaTensors, "ERNIE 4.5 0.3B"};
const Arch kHeliumArch{"HeliumForCausalLM", InterleavedSpec, kLlamaTensors, "Helium 1 2B"};

}  // namespace spate
