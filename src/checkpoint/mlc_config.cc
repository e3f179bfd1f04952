#include "checkpoint/mlc_config.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr size_t kMaxShown = 80;
constexpr int64_t kMaxSize = 1 << 26;

}  // namespace

json MlcConfig(const json& chat_config, std::string_view what) {
  struct Family {
    std::string_view type, architecture;
  };
  constexpr std::array kFamilies = {Family{"llama", "LlamaForCausalLM"}, Family{"mistral", "MistralForCausalLM"},
                                    Family{"qwen2", "Qwen2ForCausalLM"}};
  constexpr std::array<std::string_view, 7> kQuantizations = {"q4f16_1", "q4f16_2", "q4f32_1", "q4bf16_1",
                                                              "q0f16",   "q0f32",   "q0bf16"};
  if (!chat_config.is_object()) throw Error(ErrorCode::kBadInput, "{}: expected an object", what);
  const std::string type = GetString(chat_config, "model_type", {}, what);
  const auto* family = std::ranges::find(kFamilies, type, &Family::type);
  if (family == kFamilies.end()) {
    throw Error(ErrorCode::kBadInput, "{}: model_type \"{}\" is not read in this form; known are llama, mistral, qwen2",
                what, OneLine(type, kMaxShown));
  }
  const std::string quantization = GetString(chat_config, "quantization", {}, what);
  if (std::ranges::find(kQuantizations, quantization) == kQuantizations.end()) {
    throw Error(ErrorCode::kBadInput, "{}: quantization \"{}\" is not read; known are {}", what,
                OneLine(quantization, kMaxShown), "q4f16_1, q4f16_2, q4f32_1, q4bf16_1, q0f16, q0f32, q0bf16");
  }
  const json* found = FindObject(chat_config, "model_config", what);
  if (found == nullptr) throw Error(ErrorCode::kBadInput, "{}: model_config is missing", what);
  const json& model = *found;
  const std::string where = fmt::format("{}: model_config", what);
  const auto whole = [&](std::string_view key, std::optional<int64_t> fallback) {
    return GetInt(model, key, fallback, 1, kMaxSize, where);
  };
  const int64_t dim = whole("hidden_size", {}), heads = whole("num_attention_heads", {});
  // A sliding window turns the context off: -1.
  const int64_t window = GetInt(model, "sliding_window_size", -1, -1, kMaxSize, where);
  const int64_t context = GetInt(model, "context_window_size", -1, -1, 1 << 30, where);
  const double theta = GetFloat(model, "rope_theta", 10000.0, 1, 1e12, where);
  json config = {
      {"architectures", {family->architecture}},
      {"model_type", type},
      {"hidden_act", GetString(model, "hidden_act", "silu", where)},
      {"hidden_size", dim},
      {"intermediate_size", whole("intermediate_size", {})},
      {"num_hidden_layers", whole("num_hidden_layers", {})},
      {"num_attention_heads", heads},
      {"num_key_value_heads", whole("num_key_value_heads", heads)},
      {"head_dim", whole("head_dim", std::max<int64_t>(dim / heads, 1))},
      {"vocab_size", whole("vocab_size", {})},
      {"tie_word_embeddings", GetBool(model, "tie_word_embeddings", false, where)},
      {"rms_norm_eps", GetFloat(model, "rms_norm_eps", {}, 0, 1, where)},
      {"rope_theta", GetFloat(model, "position_embedding_base", theta, 1, 1e12, where)},
      {"max_position_embeddings", context > 0  ? context
                                  : window > 0 ? window
                                               : 4096},
      {"torch_dtype", quantization.find("bf16") != std::string::npos  ? "bfloat16"
                      : quantization.find("f16") != std::string::npos ? "float16"
                                                                      : "float32"},
  };
  if (window > 0) config["sliding_window"] = window;
  for (const char* key : {"bos_token_id", "eos_token_id"}) {
    if (const json* ids = FindField(chat_config, key, what)) config[key] = *ids;
  }
  if (const json* scaling = FindObject(model, "rope_scaling", where)) config["rope_scaling"] = *scaling;
  return config;
}

}  // namespace spate
