#include "checkpoint/gguf_arch_adjust.h"

#include <cmath>

namespace spate {
namespace {

using nlohmann::json;

constexpr int64_t kMaxExperts = 1 << 16;

// Queries are divided by the root of this. Only the largest model of each generation does not take the head's size,
// and files say so no other way than by being the largest.
void AdjustGemma(GgufHyper& hyper, json& config, int64_t layers_of_largest) {
  const std::optional<double> scale = hyper.FindFloat("attention.scale", 1e-9, 1e9);
  const int64_t heads = config["num_attention_heads"].get<int64_t>();
  const int64_t hidden = config["hidden_size"].get<int64_t>();
  if (scale) {
    config["query_pre_attn_scalar"] = 1 / (*scale * *scale);
  } else if (config["num_hidden_layers"] == layers_of_largest || !config.contains("head_dim")) {
    config["query_pre_attn_scalar"] = hidden / heads;
  } else {
    config["query_pre_attn_scalar"] = config["head_dim"];
  }
}

// To six digits, which is what is left of a number once it went through f32 and some arithmetic.
double Rounded(double value) {
  const double digits = std::pow(10, 5 - std::floor(std::log10(value)));
  return std::round(value * digits) / digits;
}

}  // namespace

// One architecture of GGUF is three of config.json.
void AdjustLlama(GgufHyper& hyper, const GgufFile&, json& config) {
  const int64_t experts = hyper.FindInt("expert_count", 0, kMaxExperts).value_or(0);
  const std::optional<int64_t> used = hyper.FindInt("expert_used_count", 0, kMaxExperts);
  const std::optional<int64_t> window = hyper.FindInt("attention.sliding_window", 0, int64_t{1} << 30);
  if (experts > 0) {
    config["architectures"] = {"MixtralForCausalLM"};
    config["num_local_experts"] = experts;
    config["num_experts_per_tok"] = used.value_or(0);
  } else if (window.value_or(0) > 0) {
    config["architectures"] = {"MistralForCausalLM"};
  }
  if (window.value_or(0) > 0) config["sliding_window"] = *window;
}

// Files from before the sizes of experts had keys of their own.
void AdjustQwen2Moe(GgufHyper&, const GgufFile&, json& config) {
  const int64_t width = config["intermediate_size"].get<int64_t>();
  if (!config.contains("moe_intermediate_size")) {
    config["moe_intermediate_size"] = width / config["num_experts_per_tok"].get<int64_t>();
  }
  if (!config.contains("shared_expert_intermediate_size")) config["shared_expert_intermediate_size"] = width;
}

void AdjustGemma2(GgufHyper& hyper, const GgufFile&, json& config) { AdjustGemma(hyper, config, 46); }
void AdjustGemma3(GgufHyper& hyper, const GgufFile&, json& config) {
  AdjustGemma(hyper, config, 62);
  const bool windowed = config.contains("sliding_window") && !config["sliding_window"].is_null();
  if (!windowed) config["sliding_window_pattern"] = 1;  // no layer has one
}

// The newer decoder has a norm each for attention and MLP, or else says that it has one; the older has one key-value
// head.
void AdjustFalcon(GgufHyper&, const GgufFile&, json& config) {
  const bool two_norms = config["new_decoder_architecture"].get<bool>();
  const bool grouped = config["num_kv_heads"] != 1;
  config["new_decoder_architecture"] = two_norms || grouped;
  if (grouped && !two_norms) config["num_ln_in_parallel_attn"] = 1;
  config["multi_query"] = !grouped;
  config["parallel_attn"] = true;
}

void AdjustGptNeoX(GgufHyper&, const GgufFile&, json& config) { config["rotary_emb_base"] = config["rope_theta"]; }

// The norms of OLMo 1 have neither weights nor a setting.
void AdjustOlmo(GgufHyper& hyper, const GgufFile&, json&) {
  const double eps = hyper.FindFloat("attention.layer_norm_epsilon", 0, 1).value_or(1e-5);
  if (eps != 1e-5) hyper.Fail("attention.layer_norm_epsilon", fmt::format("expected 1e-05, got {}", eps));
}

void AdjustOlmo2(GgufHyper&, const GgufFile&, json& config) {
  if (config.contains("sliding_window")) config["architectures"] = {"Olmo3ForCausalLM"};
}

// GGUF has the factors that result, config.json what they are made of.
void AdjustMiniCpm(GgufHyper& hyper, const GgufFile&, json& config) {
  const double layers = config["num_hidden_layers"].get<double>();
  const double hidden = config["hidden_size"].get<double>();
  config["scale_emb"] = hyper.FindFloat("embedding_scale", 1e-6, 1e6).value_or(12);
  const std::optional<double> residual = hyper.FindFloat("residual_scale", 1e-6, 1e6);
  config["scale_depth"] = residual ? Rounded(*residual * std::sqrt(layers)) : 1.4;
  const std::optional<double> logit = hyper.FindFloat("logit_scale", 1e-6, 1e6);
  config["dim_model_base"] = logit ? Rounded(hidden / *logit) : 256;
}

void AdjustChatGlm(GgufHyper&, const GgufFile&, json& config) {
  config["multi_query_attention"] = true;
  // The frequency's base is 10000 times a ratio there.
  config["rope_ratio"] = config["rope_theta"].get<double>() / 10000;
  config["padded_vocab_size"] = config["vocab_size"];
  const int64_t heads = config["num_attention_heads"].get<int64_t>();
  if (!config.contains("kv_channels")) config["kv_channels"] = config["hidden_size"].get<int64_t>() / heads;
}

void AdjustBaichuan(GgufHyper& hyper, const GgufFile&, json& config) {
  config["model_max_length"] = config["max_position_embeddings"];
  if (config.contains("num_key_value_heads") && config["num_key_value_heads"] != config["num_attention_heads"]) {
    hyper.Fail("attention.head_count_kv", "this architecture has as many as attention.head_count");
  }
}

}  // namespace spate
