// Gemma 1 to 3, text: Llama with norms that multiply by 1 + w, scaled embeddings, tanh-GELU and a tied head. Gemma 2
// adds norms behind the branches, soft caps and windows in every other layer; Gemma 3 norms of queries and keys, a RoPE
// base of their own for the layers with windows, and no caps.
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/llama_tensors.h"
#include "model/rope.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr std::array kPostNorms = {
    TensorRule{Slot::kPostAttnNorm, {"model.layers.{l}.post_attention_layernorm"}},
    TensorRule{Slot::kFfnNorm, {"model.layers.{l}.pre_feedforward_layernorm"}},
    TensorRule{Slot::kPostFfnNorm, {"model.layers.{l}.post_feedforward_layernorm"}},
};

constexpr auto kGemma2Tensors = Join(kLlamaStem, Join(kLlamaFfn, kPostNorms));
constexpr auto kGemma3Tensors = Join(kGemma2Tensors, kHeadNorms);

ModelSpec GemmaLikeSpec(const json& given) {
  const json config = WithDefaults(given, {{"head_dim", 256}, {"tie_word_embeddings", true}});
  ModelSpec spec = LlamaLikeSpec(config);
  spec.norm_offset = 1;
  spec.embed_scale = std::sqrt(static_cast<float>(spec.dim));
  // Files of Gemma 1 say "gelu" in hidden_act and mean its approximation; the newer key, if there, says so.
  const std::string_view key = FirstKey(config, {"hidden_activation", "hidden_act"});
  Act act = ActField(config, key, "gelu_pytorch_tanh");
  if (key == "hidden_act" && act == Act::kGeluErf) act = Act::kGeluTanh;
  if (GetBool(config, "use_bidirectional_attention", false, kConfigFile)) {
    throw Error(ErrorCode::kBadInput,
                "{}: use_bidirectional_attention: expected false, got true; is this a model for "
                "embeddings?",
                kConfigFile);
  }
  for (LayerSpec& layer : spec.layers) layer.ffn.act = act;
  return spec;
}

// A cap that is null is off; one that is not there has the family's default.
float Cap(const json& config, const char* key, double fallback) {
  return FloatField(config, key, config.contains(key) ? 0 : fallback, 0, 1e6);
}

ModelSpec Gemma2LikeSpec(const json& config, double attention_cap, double logit_cap) {
  ModelSpec spec = GemmaLikeSpec(config);
  const float scale = 1 / std::sqrt(FloatField(config, "query_pre_attn_scalar", 256, 1e-3, 1e6));
  const float cap = Cap(config, "attn_logit_softcapping", attention_cap);
  spec.logit_softcap = Cap(config, "final_logit_softcapping", logit_cap);
  for (LayerSpec& layer : spec.layers) {
    layer.post_norms = true;
    layer.attn.scale = scale;
    layer.attn.softcap = cap;
  }
  return spec;
}

ModelSpec Gemma2Spec(const json& config) {
  ModelSpec spec = Gemma2LikeSpec(config, 50, 30);
  const auto windowed = [](const json&, int layer) { return layer % 2 == 0; };
  SetWindows(config, WholeField(config, "sliding_window", 4096, 1 << 30), windowed, spec);
  return spec;
}

ModelSpec Gemma3Spec(const json& given) {
  const json config = WithDefaults(given, {{"vocab_size", 262'208},
                                           {"num_attention_heads", 8},
                                           {"num_key_value_heads", 4},
                                           {"max_position_embeddings", 131'072},
                                           {"rope_theta", 1e6},
                                           {"hidden_activation", "gelu_pytorch_tanh"}});
  // Two kinds of layers, two tables of frequencies; scaling, if any, is of those that see everything.
  json global = config;
  json local = {{"rope_theta", FloatField(config, "rope_local_base_freq", 10'000, 1, 1e12)}};
  if (const json* both = FindObject(config, "rope_parameters", kConfigFile)) {
    if (both->contains("full_attention")) global["rope_parameters"] = both->at("full_attention");
    if (both->contains("sliding_attention")) local["rope_parameters"] = both->at("sliding_attention");
  }
  ModelSpec spec = Gemma2LikeSpec(global, 0, 0);
  SetQkNorm(QkNorm::kHead, spec);
  spec.ropes.push_back(MakeRope(local, spec.layers.front().attn.head_dim, RopeStyle::kHalf));
  const auto windowed = [](const json& c, int layer) {
    return (layer + 1) % WholeField(c, "sliding_window_pattern", 6) != 0;
  };
  SetWindows(config, WholeField(config, "sliding_window", 4096, 1 << 30), windowed, spec);
  for (LayerSpec& layer : spec.layers) layer.attn.rope = layer.attn.window > 0 ? 1 : 0;
  return spec;
}

ModelSpec Gemma3TextSpec(const json& config) { return TextSpec(config, Gemma3Spec); }

}  // namespace

const Arch kGemmaArch{"GemmaForCausalLM", GemmaLikeSpec, kLlamaTensors, "Gemma 2B, 7B, CodeGemma"};
const Arch kGemma2Arch{"Gemma2ForCausalLM", Gemma2Spec, kGemma2Tensors, "Gemma 2 2B, 9B, 27B"};
const Arch kGemma3Arch{"Gemma3ForCausalLM", Gemma3Spec, kGemma3Tensors, "Gemma 3 270M, 1B"};
const Arch kGemma3TextArch{.name = "Gemma3ForConditionalGeneration",
                           .spec = Gemma3TextSpec,
                           .tensors = kGemma3Tensors,
                           .models = "Gemma 3 4B, 12B, 27B (text)",
                           .parts = kTextOfMany};

}  // namespace spate
