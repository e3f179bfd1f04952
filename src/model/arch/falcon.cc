// Falcon: 7B (multi-query, both branches behind one norm), 40B and 180B (grouped queries, two norms), 11B (grouped,
// one norm), and the RefinedWeb models (ALiBi, biases, one branch after the other).
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/gpt_spec.h"
#include "model/rope.h"

namespace spate {
namespace {

using nlohmann::json;

// Files from before Falcon was part of transformers say n_layer, n_head and n_head_kv, and only the large models have
// the last.
ModelSpec FalconSpec(const json& config) {
  ModelSpec spec = GptSpec(config, {.dim = FirstKey(config, {"hidden_size", "n_embed"}),
                                    .layers = FirstKey(config, {"num_hidden_layers", "n_layer"}),
                                    .heads = FirstKey(config, {"num_attention_heads", "n_head"}),
                                    .ffn = "ffn_hidden_size",
                                    .act = "activation",
                                    .default_act = "gelu"});
  RequireSwitch(config, "apply_residual_connection_post_layernorm", false);
  const std::string_view kv_key = FirstKey(config, {"num_kv_heads", "n_head_kv"});
  const bool old_grouped = FindField(config, "n_head_kv", kConfigFile) != nullptr;
  const bool grouped = GetBool(config, "new_decoder_architecture", old_grouped, kConfigFile);

  LayerSpec layer = spec.layers.front();
  const int heads = layer.attn.heads;
  int kv_heads = GetBool(config, "multi_query", true, kConfigFile) ? 1 : heads;
  if (grouped) kv_heads = WholeField(config, kv_key, heads, 1 << 16);
  layer.attn = MakeAttn(spec.dim, heads, kv_heads, {});
  layer.parallel = grouped || GetBool(config, "parallel_attn", true, kConfigFile);
  layer.shared_norm =
      layer.parallel && (!grouped || GetInt(config, "num_ln_in_parallel_attn", 2, 1, 2, kConfigFile) == 1);
  spec.layers.assign(spec.layers.size(), layer);
  if (GetBool(config, "alibi", false, kConfigFile)) {
    AddAlibi(spec);
    for (float& slope : spec.alibi.back()) slope *= layer.attn.scale;  // biases are scaled together with q.k
  } else {
    spec.ropes.push_back(MakeRope(config, layer.attn.head_dim, RopeStyle::kHalf));
  }
  return spec;
}

constexpr std::array kTensors = {
    TensorRule{Slot::kEmbed, {"transformer.word_embeddings"}},
    TensorRule{Slot::kFinalNorm, {"transformer.ln_f"}},
    TensorRule{Slot::kHead, {"lm_head"}},
    TensorRule{Slot::kAttnNorm, {"transformer.h.{l}.input_layernorm"}},
    TensorRule{Slot::kAttnNorm, {"transformer.h.{l}.ln_attn"}},  // with two norms
    TensorRule{Slot::kFfnNorm, {"transformer.h.{l}.post_attention_layernorm"}},
    TensorRule{Slot::kFfnNorm, {"transformer.h.{l}.ln_mlp"}},
    TensorRule{Slot::kQkv, {"transformer.h.{l}.self_attention.query_key_value"}, RowOrder::kByGroup},
    TensorRule{Slot::kAttnOut, {"transformer.h.{l}.self_attention.dense"}},
    TensorRule{Slot::kGateUp, {"transformer.h.{l}.mlp.dense_h_to_4h"}},
    TensorRule{Slot::kDown, {"transformer.h.{l}.mlp.dense_4h_to_h"}},
};

}  // namespace

const Arch kFalconArch{"FalconForCausalLM", FalconSpec, kTensors, "Falcon 7B, 40B, 180B, 2-11B, rw-1B, rw-7B"};
const Arch kRwArch{"RWForCausalLM", FalconSpec, kTensors, "Falcon as first published"};

}  // namespace spate
