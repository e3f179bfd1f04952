// SmolLM3: Llama with every fourth layer, or those that no_rope_layers has a 0 for, without rotation.
#include "base/error.h"
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/llama_tensors.h"

namespace spate {
namespace {

using nlohmann::json;

ModelSpec SmolLm3Spec(const json& config) {
  ModelSpec spec = LlamaLikeSpec(config);
  spec.tied_head = GetBool(config, "tie_word_embeddings", true, kConfigFile);
  RequireSwitch(config, "use_sliding_window", false);
  const int interval = WholeField(config, "no_rope_layer_interval", 4);
  const json* list = FindArray(config, "no_rope_layers", kConfigFile);
  if (list != nullptr && list->size() != spec.layers.size()) {
    throw Error(ErrorCode::kBadInput, "{}: no_rope_layers: expected {} entries, got {}", kConfigFile,
                spec.layers.size(), list->size());
  }
  for (size_t l = 0; l < spec.layers.size(); ++l) {
    bool rotates = (l + 1) % static_cast<size_t>(interval) != 0;
    if (list != nullptr) {
      rotates = (*list)[l] != 0;
      if (rotates && (*list)[l] != 1) {
        throw Error(ErrorCode::kBadInput, "{}: no_rope_layers: expected 0 or 1, got {}", kConfigFile,
                    DescribeJson((*list)[l]));
      }
    }
    if (!rotates) spec.layers[l].attn.rope = -1;
  }
  return spec;
}

}  // namespace

const Arch kSmolLm3Arch{"SmolLM3ForCausalLM", SmolLm3Spec, kLlamaTensors, "SmolLM3 3B"};

}  // namespace spate
