// Llama 1 to 3.2, CodeLlama, Mistral, Qwen2 and 2.5: one tensor layout, small differences in config.json.
// Biases are found by name (Qwen2 has them on q, k and v).
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/llama_tensors.h"

namespace spate {
namespace {

using nlohmann::json;

int Window(const json& config) {
  return static_cast<int>(GetInt(config, "sliding_window", 0, 0, int64_t{1} << 30, kConfigFile));
}

ModelSpec MistralSpec(const json& config) {
  ModelSpec spec = LlamaLikeSpec(config);
  SetWindows(
      config, Window(config), [](const json&, int) { return true; }, spec);
  return spec;
}

ModelSpec Qwen2Spec(const json& config) {
  ModelSpec spec = LlamaLikeSpec(config);
  if (!GetBool(config, "use_sliding_window", false, kConfigFile)) return spec;
  const auto windowed = [](const json& c, int layer) {
    return layer >= GetInt(c, "max_window_layers", 28, 0, 1 << 16, kConfigFile);
  };
  SetWindows(config, Window(config), windowed, spec);
  return spec;
}

}  // namespace

const Arch kLlamaArch{"LlamaForCausalLM", LlamaLikeSpec, kLlamaTensors,
                      "Llama 1, 2, 3, 3.1, 3.2 (1B, 3B), CodeLlama, and whatever else is published in their form"};
const Arch kMistralArch{"MistralForCausalLM", MistralSpec, kLlamaTensors, "Mistral 7B v0.1 to v0.3, Nemo, Small"};
const Arch kQwen2Arch{"Qwen2ForCausalLM", Qwen2Spec, kLlamaTensors, "Qwen1.5, Qwen2, Qwen2.5, QwQ"};

}  // namespace spate
