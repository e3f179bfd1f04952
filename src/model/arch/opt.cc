// OPT: learned positions behind two rows of another use, ReLU. Not the variant with norms behind the branches (350M).
#include "base/error.h"
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/gpt_spec.h"

namespace spate {
namespace {

using nlohmann::json;

ModelSpec OptSpec(const json& config) {
  ModelSpec spec = GptSpec(config, {.ffn = "ffn_dim", .default_act = "relu"});
  RequireSwitch(config, "do_layer_norm_before", true);
  RequireSwitch(config, "_remove_final_layer_norm", false);
  const int width = WholeField(config, "word_embed_proj_dim", spec.dim);
  if (width != spec.dim) {
    throw Error(ErrorCode::kBadInput,
                "{}: word_embed_proj_dim: expected hidden_size {}, got {}: this variant is not known", kConfigFile,
                spec.dim, width);
  }
  spec.norm_weights = GetBool(config, "layer_norm_elementwise_affine", true, kConfigFile);
  AddPositionTable(spec, 2);
  return spec;
}

constexpr std::array kTensors = {
    TensorRule{Slot::kEmbed, {"model.decoder.embed_tokens"}},
    TensorRule{Slot::kPositions, {"model.decoder.embed_positions"}},
    TensorRule{Slot::kFinalNorm, {"model.decoder.final_layer_norm"}},
    TensorRule{Slot::kHead, {"lm_head"}},
    TensorRule{Slot::kAttnNorm, {"model.decoder.layers.{l}.self_attn_layer_norm"}},
    TensorRule{Slot::kQkv,
               {"model.decoder.layers.{l}.self_attn.q_proj", "model.decoder.layers.{l}.self_attn.k_proj",
                "model.decoder.layers.{l}.self_attn.v_proj"}},
    TensorRule{Slot::kAttnOut, {"model.decoder.layers.{l}.self_attn.out_proj"}},
    TensorRule{Slot::kFfnNorm, {"model.decoder.layers.{l}.final_layer_norm"}},
    TensorRule{Slot::kGateUp, {"model.decoder.layers.{l}.fc1"}},
    TensorRule{Slot::kDown, {"model.decoder.layers.{l}.fc2"}},
};

}  // namespace

const Arch kOptArch{.name = "OPTForCausalLM",
                    .spec = OptSpec,
                    .tensors = kTensors,
                    .models = "OPT 125M, 1.3B to 66B, Galactica",
                    .prefix = "model."};

}  // namespace spate
