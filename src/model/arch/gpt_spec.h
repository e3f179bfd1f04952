// The fields of GPT-2 and what descends from it, under the names that each family has for them: layer norms, a
// feed-forward block without a gate, no rotation unless the architecture adds one.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "model/spec.h"

namespace spate {

struct GptKeys {
  std::string_view dim = "hidden_size";
  std::string_view layers = "num_hidden_layers";
  std::string_view heads = "num_attention_heads";
  std::string_view context = "max_position_embeddings";  // 2048 where config.json has none
  std::string_view eps = "layer_norm_epsilon";           // 1e-5 where config.json has none
  std::string_view ffn = "intermediate_size";            // 4 dim where config.json has none
  std::string_view act = "activation_function";
  std::string_view default_act = "gelu_new";
  bool tied = true;  // where config.json does not say
};

// All layers alike: as many key/value heads as query heads, scale head_dim^-1/2, AttnSpec::rope = -1.
// Throws Error(kBadInput).
ModelSpec GptSpec(const nlohmann::json& config, const GptKeys& keys);

// A learned row for each position of the context, behind `offset` rows of another use.
void AddPositionTable(ModelSpec& spec, int offset = 0);

// Linear biases in all layers, nothing rotated.
void AddAlibi(ModelSpec& spec, double max_bias = 8);

// Changes all layers.
template <typename Change>
void ForLayers(ModelSpec& spec, const Change& change) {
  for (LayerSpec& layer : spec.layers) change(layer);
}

}  // namespace spate
