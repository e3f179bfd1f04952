// SmolLM3: Llama whose every fourth layer rotates nothing.
#include "base/error.h"
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/llama_tensors.h"

namespace spate {
namespace {

using nlohmann::json;

// "no_rope_layers" holds 1 for a layer that does rotate.
bool Rotates(const json& config, int layer) {
  const json* list = FindArray(config, "no_rope_layers", kConfigFile);
  if (list == nullptr) return (layer + 1) % WholeField(config, "no_rope_layer_interval", 4) != 0;
  if (static_cast<size_t>(layer) >= list->size() || !(*list)[static_cast<size_t>(layer)].is_number()) {
    throw Error(ErrorCode::kBadInput, "{}: no_rope_layers: expected 0 or 1 for layer {}", kConfigFile, layer);
  }
  return (*list)[static_cast<size_t>(layer)] != 0;
}

ModelSpec SmolLm3Spec(const json& given) {
  const json config = WithDefaults(given, {{"tie_word_embeddings", true}});
  ModelSpec spec = LlamaLikeSpec(config);
  if (GetBool(config, "use_sliding_window", false, kConfigFile)) {
    SetWindows(
        config, WindowField(config), [](const json& c, int layer) { return !Rotates(c, layer); }, spec);
  }
  for (int l = 0; l < spec.Layers(); ++l) {
    if (!Rotates(config, l)) spec.layers[static_cast<size_t>(l)].attn.rope = -1;
  }
  return spec;
}

}  // namespace

const Arch kSmolLm3Arch{"SmolLM3ForCausalLM", SmolLm3Spec, kLlamaTensors, "SmolLM3 3B"};

}  // namespace spate
