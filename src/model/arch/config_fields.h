// What many architectures spell alike in config.json, read and checked once. Each function throws Error(kBadInput) that
// names the key, what was expected and what is there.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "model/spec.h"

namespace spate {

inline constexpr std::string_view kConfigFile = "config.json";
inline constexpr int64_t kMaxWidth = 1 << 20;  // far above any model, far below what overflows an int
// Well above the deepest and widest models. A spec holds something for each, so that these bound its memory, whatever
// a config.json claims: tens of KiB.
inline constexpr int64_t kMaxLayers = 512;
inline constexpr int kMaxHeads = 8192;
inline constexpr int kMaxHeadDim = 8192;

// An integer in [1, max]; without a fallback it must be there.
int WholeField(const nlohmann::json& config, std::string_view key, std::optional<int64_t> fallback,
               int64_t max = kMaxWidth);
// The first of several spellings that is there.
std::string_view FirstKey(const nlohmann::json& config, std::initializer_list<std::string_view> keys);
float FloatField(const nlohmann::json& config, std::string_view key, std::optional<double> fallback, double low,
                 double high);

// Fields that config.json leaves out, or null, because they have the family's usual values.
nlohmann::json WithDefaults(const nlohmann::json& config, nlohmann::json defaults);

// Activations by their names in transformers: silu, swish, gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, relu, relu2.
Act ActField(const nlohmann::json& config, std::string_view key, std::string_view fallback);

// Refuses a switch that is there with the other value: what it turns on or off is not computed here.
void RequireSwitch(const nlohmann::json& config, std::string_view key, bool supported);

// eos_token_id and bos_token_id, one id or a list.
void ReadTokenIds(const nlohmann::json& config, ModelSpec& spec);

// Heads, key/value heads and head size, checked against each other; scale = head_dim^-1/2.
AttnSpec MakeAttn(int dim, int heads, int kv_heads, std::optional<int> head_dim);

// How many leading values of a head are rotated: the part of them that config.json names, in whichever spelling.
int RotatedValues(const nlohmann::json& config, int head_dim, double fallback);

// num_experts_per_tok experts out of as many as `key` says: FfnSpec::experts and active.
void ReadExperts(const nlohmann::json& config, std::string_view key, FfnSpec& ffn);

// Norms of queries and keys in all layers, of the same kind as the others.
void SetQkNorm(QkNorm kind, ModelSpec& spec);

// sliding_window; 0 = none.
int WindowField(const nlohmann::json& config);

// Which layers see a sliding window: layer_types where config.json has it, else `windowed(layer)`.
void SetWindows(const nlohmann::json& config, int window, bool (*windowed)(const nlohmann::json& config, int layer),
                ModelSpec& spec);

// Slopes of linear biases for so many heads (arXiv 2108.12409), as the published models compute them: 2^-max_bias is
// the smallest.
AlibiSlopes MakeAlibi(int heads, double max_bias = 8);

// The fields of Llama and its many descendants: RMS norms, gated silu, RoPE over the whole head, all layers alike.
ModelSpec LlamaLikeSpec(const nlohmann::json& config);

// Of the language model in a checkpoint that also looks at pictures: `of_text` reads its text_config.
ModelSpec TextSpec(const nlohmann::json& config, ModelSpec (*of_text)(const nlohmann::json& config));

}  // namespace spate
