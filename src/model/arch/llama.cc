// Llama 1 to 3.2, CodeLlama, Mistral: one tensor layout, small differences in config.json. Biases are found by name.
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/llama_tensors.h"

namespace spate {
namespace {

using nlohmann::json;

ModelSpec MistralSpec(const json& config) {
  ModelSpec spec = LlamaLikeSpec(config);
  SetWindows(
      config, WindowField(config), [](const json&, int) { return true; }, spec);
  return spec;
}

// Mistral Small 3.1 and later, which also look at pictures.
ModelSpec Mistral3Spec(const json& config) { return TextSpec(config, MistralSpec); }

}  // namespace

const Arch kLlamaArch{"LlamaForCausalLM", LlamaLikeSpec, kLlamaTensors,
                      "Llama 1 to 3.2, CodeLlama, and what is published in their form"};
const Arch kSeedOssArch{"SeedOssForCausalLM", LlamaLikeSpec, kLlamaTensors, "Seed-OSS 36B"};
const Arch kMistralArch{"MistralForCausalLM", MistralSpec, kLlamaTensors, "Mistral 7B v0.1 to v0.3, Nemo, Small"};
const Arch kMistral3Arch{.name = "Mistral3ForConditionalGeneration",
                         .spec = Mistral3Spec,
                         .tensors = kLlamaTensors,
                         .models = "Mistral Small 3.1, 3.2 (text)",
                         .parts = kTextOfMany};

}  // namespace spate
