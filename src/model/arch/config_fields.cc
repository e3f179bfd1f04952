#include "model/arch/config_fields.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "model/rope.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr int kMaxExperts = 4096;  // far above any model

std::vector<int32_t> TokenIds(const json& config, std::string_view key) {
  const json* value = FindField(config, key, kConfigFile);
  if (value == nullptr) return {};
  const json list = value->is_array() ? *value : json::array({*value});
  std::vector<int32_t> ids;
  for (const json& id : list) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() > INT32_MAX || list.size() > 64) {
      throw Error(ErrorCode::kBadInput, "{}: {}: expected a token id or a list of at most 64, got {}", kConfigFile, key,
                  DescribeJson(*value));
    }
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

}  // namespace

int WholeField(const json& config, std::string_view key, std::optional<int64_t> fallback, int64_t max) {
  return static_cast<int>(GetInt(config, key, fallback, 1, max, kConfigFile));
}

std::string_view FirstKey(const json& config, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    if (FindField(config, key, kConfigFile) != nullptr) return key;
  }
  return *keys.begin();
}

float FloatField(const json& config, std::string_view key, std::optional<double> fallback, double low, double high) {
  return static_cast<float>(GetFloat(config, key, fallback, low, high, kConfigFile));
}

json WithDefaults(const json& config, json defaults) {
  for (const auto& [key, value] : config.items()) {
    if (!value.is_null() || !defaults.contains(key)) defaults[key] = value;
  }
  return defaults;
}

Act ActField(const json& config, std::string_view key, std::string_view fallback) {
  struct Named {
    std::string_view name;
    Act act;
  };
  static constexpr std::array kNames = {Named{"silu", Act::kSilu},          Named{"swish", Act::kSilu},
                                        Named{"gelu", Act::kGeluErf},       Named{"gelu_new", Act::kGeluTanh},
                                        Named{"relu", Act::kRelu},          Named{"gelu_pytorch_tanh", Act::kGeluTanh},
                                        Named{"gelu_fast", Act::kGeluTanh}, Named{"relu2", Act::kReluSquared}};
  const std::string name = GetString(config, key, std::string(fallback), kConfigFile);
  const auto found = std::find_if(kNames.begin(), kNames.end(), [&](const Named& n) { return n.name == name; });
  if (found != kNames.end()) return found->act;
  std::string known;
  for (const Named& n : kNames) known += fmt::format("{}{}", known.empty() ? "" : ", ", n.name);
  throw Error(ErrorCode::kBadInput, "{}: {} \"{}\" is not known; known are {}", kConfigFile, key, name, known);
}

void RequireSwitch(const json& config, std::string_view key, bool supported) {
  if (GetBool(config, key, supported, kConfigFile) == supported) return;
  throw Error(ErrorCode::kBadInput, "{}: {}: expected {}, got {}: this variant is not known", kConfigFile, key,
              supported, !supported);
}

void ReadTokenIds(const json& config, ModelSpec& spec) {
  spec.eos_ids = TokenIds(config, "eos_token_id");
  const std::vector<int32_t> bos = TokenIds(config, "bos_token_id");
  spec.bos_id = bos.empty() ? -1 : bos.front();
}

AttnSpec MakeAttn(int dim, int heads, int kv_heads, std::optional<int> head_dim) {
  if (heads % kv_heads != 0) {
    throw Error(ErrorCode::kBadInput, "{}: num_attention_heads {} is not a multiple of num_key_value_heads {}",
                kConfigFile, heads, kv_heads);
  }
  if (!head_dim && dim % heads != 0) {
    throw Error(ErrorCode::kBadInput, "{}: hidden_size {} is not a multiple of num_attention_heads {}", kConfigFile,
                dim, heads);
  }
  AttnSpec attn;
  attn.heads = heads;
  attn.kv_heads = kv_heads;
  attn.head_dim = head_dim.value_or(dim / heads);
  if (heads > kMaxHeads || attn.head_dim > kMaxHeadDim) {
    throw Error(ErrorCode::kBadInput, "{}: {} heads of {} values, supported are up to {} of {}", kConfigFile, heads,
                attn.head_dim, kMaxHeads, kMaxHeadDim);
  }
  if (int64_t{heads + 2 * kv_heads} * attn.head_dim > kMaxWidth) {
    throw Error(ErrorCode::kBadInput, "{}: {} heads of {} values are wider than {}", kConfigFile, heads, attn.head_dim,
                kMaxWidth);
  }
  attn.scale = 1.0f / std::sqrt(static_cast<float>(attn.head_dim));
  return attn;
}

int RotatedValues(const json& config, int head_dim, double fallback) {
  if (const json* rope = FindObject(config, "rope_parameters", kConfigFile)) {
    fallback = GetFloat(*rope, "partial_rotary_factor", fallback, 0, 1, "config.json: rope_parameters");
  }
  const std::string_view key = FirstKey(config, {"partial_rotary_factor", "rotary_pct", "rope_pct"});
  return static_cast<int>(GetFloat(config, key, fallback, 0, 1, kConfigFile) * head_dim);
}

void ReadExperts(const json& config, std::string_view key, FfnSpec& ffn) {
  ffn.experts = WholeField(config, key, {}, kMaxExperts);
  ffn.active = WholeField(config, "num_experts_per_tok", {}, ffn.experts);
}

void SetQkNorm(QkNorm kind, ModelSpec& spec) {
  for (LayerSpec& layer : spec.layers) {
    layer.attn.qk_norm = kind;
    layer.attn.qk_norm_spec = spec.norm;
  }
}

int WindowField(const json& config) {
  return static_cast<int>(GetInt(config, "sliding_window", 0, 0, int64_t{1} << 30, kConfigFile));
}

void SetWindows(const json& config, int window, bool (*windowed)(const json& config, int layer), ModelSpec& spec) {
  const json* types = FindArray(config, "layer_types", kConfigFile);
  if (types != nullptr && types->size() != spec.layers.size()) {
    throw Error(ErrorCode::kBadInput, "{}: layer_types: expected {} entries, got {}", kConfigFile, spec.layers.size(),
                types->size());
  }
  for (int l = 0; l < spec.Layers(); ++l) {
    bool sliding = window > 0 && windowed(config, l);
    if (types != nullptr) {
      const json& type = (*types)[static_cast<size_t>(l)];
      sliding = type == "sliding_attention";
      if (!sliding && type != "full_attention") {
        throw Error(ErrorCode::kBadInput, "{}: layer_types: expected full_attention or sliding_attention, got {}",
                    kConfigFile, DescribeJson(type));
      }
      if (sliding && window == 0) {
        throw Error(ErrorCode::kBadInput, "{}: layer_types has sliding_attention, but no sliding_window is set",
                    kConfigFile);
      }
    }
    spec.layers[static_cast<size_t>(l)].attn.window = sliding ? window : 0;
  }
}

AlibiSlopes MakeAlibi(int heads, double max_bias) {
  // Powers of 2^(-max_bias/n) for the largest power of two n <= heads; then every other power of its square root.
  const int n = static_cast<int>(std::bit_floor(static_cast<unsigned>(heads)));
  AlibiSlopes slopes;
  for (int h = 0; h < n; ++h) slopes.push_back(static_cast<float>(std::exp2(-max_bias / n * (h + 1))));
  for (int h = 0; h < heads - n; ++h)
    slopes.push_back(static_cast<float>(std::exp2(-max_bias / (2 * n) * (2 * h + 1))));
  return slopes;
}

ModelSpec LlamaLikeSpec(const json& config) {
  ModelSpec spec;
  spec.dim = WholeField(config, "hidden_size", {});
  spec.vocab = WholeField(config, "vocab_size", {}, 1 << 26);
  spec.context = StretchedContext(config, WholeField(config, "max_position_embeddings", 2048, 1 << 30));
  spec.norm = {NormKind::kRms, FloatField(config, "rms_norm_eps", 1e-6, 0, 1)};
  spec.tied_head = GetBool(config, "tie_word_embeddings", false, kConfigFile);
  ReadTokenIds(config, spec);

  LayerSpec layer;
  const int heads = WholeField(config, "num_attention_heads", {}, 1 << 16);
  const int kv_heads = WholeField(config, "num_key_value_heads", heads, 1 << 16);
  std::optional<int> head_dim;
  if (FindField(config, "head_dim", kConfigFile) != nullptr) head_dim = WholeField(config, "head_dim", {}, 1 << 16);
  layer.attn = MakeAttn(spec.dim, heads, kv_heads, head_dim);
  layer.ffn.hidden = WholeField(config, "intermediate_size", {});
  layer.ffn.act = ActField(config, FirstKey(config, {"hidden_act", "hidden_activation"}), "silu");
  spec.ropes.push_back(MakeRope(config, RotatedDims(config, layer.attn.head_dim, 1), RopeStyle::kHalf));
  spec.layers.assign(static_cast<size_t>(WholeField(config, "num_hidden_layers", {}, kMaxLayers)), layer);
  return spec;
}

ModelSpec TextSpec(const json& config, ModelSpec (*of_text)(const json& config)) {
  const json* text = FindObject(config, "text_config", kConfigFile);
  if (text == nullptr) throw Error(ErrorCode::kBadInput, "{}: text_config is missing", kConfigFile);
  ModelSpec spec = of_text(*text);
  const std::vector<int32_t> own = spec.eos_ids;
  ReadTokenIds(config, spec);
  if (spec.eos_ids.empty()) spec.eos_ids = own;
  spec.notes.emplace_back("text only: the part that looks at pictures is left out");
  return spec;
}

}  // namespace spate
