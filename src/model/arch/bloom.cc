// BLOOM: linear biases instead of positions, a norm behind the embedding, q, k and v together for each head. Published
// files leave "transformer." out of the names.
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/gpt_spec.h"

namespace spate {
namespace {

using nlohmann::json;

ModelSpec BloomSpec(const json& config) {
  ModelSpec spec = GptSpec(config, {.dim = FirstKey(config, {"hidden_size", "n_embed"}),
                                    .layers = FirstKey(config, {"n_layer", "num_hidden_layers"}),
                                    .heads = FirstKey(config, {"n_head", "num_attention_heads"}),
                                    .context = "seq_length"});
  RequireSwitch(config, "apply_residual_connection_post_layernorm", false);
  spec.embed_norm = true;
  AddAlibi(spec);
  return spec;
}

constexpr std::array kTensors = {
    TensorRule{Slot::kEmbed, {"transformer.word_embeddings"}},
    TensorRule{Slot::kEmbedNorm, {"transformer.word_embeddings_layernorm"}},
    TensorRule{Slot::kFinalNorm, {"transformer.ln_f"}},
    TensorRule{Slot::kHead, {"lm_head"}},
    TensorRule{Slot::kAttnNorm, {"transformer.h.{l}.input_layernorm"}},
    TensorRule{Slot::kQkv, {"transformer.h.{l}.self_attention.query_key_value"}, RowOrder::kByGroup},
    TensorRule{Slot::kAttnOut, {"transformer.h.{l}.self_attention.dense"}},
    TensorRule{Slot::kFfnNorm, {"transformer.h.{l}.post_attention_layernorm"}},
    TensorRule{Slot::kGateUp, {"transformer.h.{l}.mlp.dense_h_to_4h"}},
    TensorRule{Slot::kDown, {"transformer.h.{l}.mlp.dense_4h_to_h"}},
};

}  // namespace

const Arch kBloomArch{.name = "BloomForCausalLM",
                      .spec = BloomSpec,
                      .tensors = kTensors,
                      .models = "BLOOM, BLOOMZ (all sizes)",
                      .prefix = "transformer."};

}  // namespace spate
