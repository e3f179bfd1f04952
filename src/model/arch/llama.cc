// Llama 1 to 3.2, CodeLlama, Mistral, Qwen2 and 2.5: one tensor layout, small differences in config.json.
// Biases are found by name (Qwen2 has them on q, k and v).
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/rope.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr std::string_view kWhat = "config.json";
constexpr int64_t kMaxWidth = 1 << 20;  // far above any model, far below what overflows an int

// The window that config.json sets, 0 for none. Up to that many positions it hides nothing.
int Window(const json& config) {
  if (!GetBool(config, "use_sliding_window", true, kWhat)) return 0;
  return static_cast<int>(GetInt(config, "sliding_window", 0, 0, int64_t{1} << 30, kWhat));
}

// Models whose window is not carried out yet are right as long as no token lies outside it.
void LimitToWindow(const json& config, ModelSpec& spec) {
  const int window = Window(config);
  if (window == 0 || window >= spec.context) return;
  spec.notes.push_back(
      fmt::format("context limited to {} of {} positions: beyond that this model attends through a sliding "
                  "window, which is not supported yet",
                  window, spec.context));
  spec.context = window;
}

ModelSpec LlamaSpec(const json& config) { return LlamaLikeSpec(config); }

ModelSpec WindowedSpec(const json& config) {
  ModelSpec spec = LlamaLikeSpec(config);
  LimitToWindow(config, spec);
  return spec;
}

constexpr std::array kTensors = {
    TensorRule{Slot::kEmbed, {"model.embed_tokens"}},
    TensorRule{Slot::kFinalNorm, {"model.norm"}},
    TensorRule{Slot::kHead, {"lm_head"}},
    TensorRule{Slot::kAttnNorm, {"model.layers.{l}.input_layernorm"}},
    TensorRule{Slot::kQkv,
               {"model.layers.{l}.self_attn.q_proj", "model.layers.{l}.self_attn.k_proj",
                "model.layers.{l}.self_attn.v_proj"}},
    TensorRule{Slot::kAttnOut, {"model.layers.{l}.self_attn.o_proj"}},
    TensorRule{Slot::kFfnNorm, {"model.layers.{l}.post_attention_layernorm"}},
    TensorRule{Slot::kGateUp, {"model.layers.{l}.mlp.gate_proj", "model.layers.{l}.mlp.up_proj"}},
    TensorRule{Slot::kDown, {"model.layers.{l}.mlp.down_proj"}},
};

void CheckActivation(const json& config) {
  const std::string act = GetString(config, "hidden_act", "silu", kWhat);
  if (act != "silu" && act != "swish") {
    throw Error(ErrorCode::kBadInput, "{}: hidden_act \"{}\" is not known for this architecture; known is silu", kWhat,
                act);
  }
}

std::vector<int32_t> TokenIds(const json& config, std::string_view key) {
  const json* value = FindField(config, key, kWhat);
  if (value == nullptr) return {};
  const json list = value->is_array() ? *value : json::array({*value});
  std::vector<int32_t> ids;
  for (const json& id : list) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() > INT32_MAX || list.size() > 64) {
      throw Error(ErrorCode::kBadInput, "{}: {}: expected a token id or a list of at most 64, got {}", kWhat, key,
                  DescribeJson(*value));
    }
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

}  // namespace

ModelSpec LlamaLikeSpec(const json& config) {
  const auto whole = [&](std::string_view key, std::optional<int64_t> fallback, int64_t max) {
    return static_cast<int>(GetInt(config, key, fallback, 1, max, kWhat));
  };
  ModelSpec spec;
  spec.dim = whole("hidden_size", {}, kMaxWidth);
  spec.vocab = whole("vocab_size", {}, 1 << 26);
  spec.context = whole("max_position_embeddings", 2048, 1 << 30);
  spec.norm = {NormKind::kRms, static_cast<float>(GetFloat(config, "rms_norm_eps", 1e-6, 0, 1, kWhat))};
  spec.tied_head = GetBool(config, "tie_word_embeddings", false, kWhat);
  spec.eos_ids = TokenIds(config, "eos_token_id");
  const std::vector<int32_t> bos = TokenIds(config, "bos_token_id");
  spec.bos_id = bos.empty() ? -1 : bos.front();
  CheckActivation(config);

  LayerSpec layer;
  AttnSpec& attn = layer.attn;
  attn.heads = whole("num_attention_heads", {}, 1 << 16);
  attn.kv_heads = whole("num_key_value_heads", attn.heads, 1 << 16);
  if (attn.heads % attn.kv_heads != 0) {
    throw Error(ErrorCode::kBadInput, "{}: num_attention_heads {} is not a multiple of num_key_value_heads {}", kWhat,
                attn.heads, attn.kv_heads);
  }
  if (FindField(config, "head_dim", kWhat) == nullptr && spec.dim % attn.heads != 0) {
    throw Error(ErrorCode::kBadInput, "{}: hidden_size {} is not a multiple of num_attention_heads {}", kWhat, spec.dim,
                attn.heads);
  }
  attn.head_dim = whole("head_dim", std::max(spec.dim / attn.heads, 1), 1 << 16);
  if (int64_t{attn.heads + 2 * attn.kv_heads} * attn.head_dim > kMaxWidth) {
    throw Error(ErrorCode::kBadInput, "{}: {} heads of {} values are wider than {}", kWhat, attn.heads, attn.head_dim,
                kMaxWidth);
  }
  attn.scale = 1.0f / std::sqrt(static_cast<float>(attn.head_dim));
  attn.rope = 0;
  layer.ffn.hidden = whole("intermediate_size", {}, kMaxWidth);
  spec.ropes.push_back(MakeRope(config, attn.head_dim, RopeStyle::kHalf));
  spec.layers.assign(static_cast<size_t>(whole("num_hidden_layers", {}, 4096)), layer);
  return spec;
}

const Arch kLlamaArch{"LlamaForCausalLM", LlamaSpec, kTensors};
const Arch kMistralArch{"MistralForCausalLM", WindowedSpec, kTensors};
const Arch kQwen2Arch{"Qwen2ForCausalLM", WindowedSpec, kTensors};

}  // namespace spate
