// MPT: linear biases, no bias anywhere, norms included; q, k and v may be clamped.
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/gpt_spec.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr std::string_view kAttnWhat = "config.json: attn_config";

void RequireAttn(const json& attn, std::string_view key, bool supported, bool fallback) {
  if (GetBool(attn, key, fallback, kAttnWhat) == supported) return;
  throw Error(ErrorCode::kBadInput, "{}: {}: expected {}, got {}: this variant is not known", kAttnWhat, key, supported,
              !supported);
}

ModelSpec MptSpec(const json& config) {
  ModelSpec spec = GptSpec(config, {.dim = "d_model",
                                    .layers = "n_layers",
                                    .heads = "n_heads",
                                    .context = "max_seq_len",
                                    .ffn = "ffn_hidden_size",
                                    .default_act = "gelu"});
  const int ratio = WholeField(config, "expansion_ratio", 4, 1 << 10);
  if (FindField(config, "logit_scale", kConfigFile) != nullptr) {
    throw Error(ErrorCode::kBadInput, "{}: logit_scale: expected null, got {}: this variant is not known", kConfigFile,
                DescribeJson(config["logit_scale"]));
  }
  const json none = json::object();
  const json* given = FindObject(config, "attn_config", kConfigFile);
  const json& attn = given == nullptr ? none : *given;
  RequireAttn(attn, "alibi", true, given == nullptr);
  RequireAttn(attn, "qk_ln", false, false);
  RequireAttn(attn, "prefix_lm", false, false);
  if (const std::string type = GetString(attn, "attn_type", "multihead_attention", kAttnWhat);
      type != "multihead_attention") {
    throw Error(ErrorCode::kBadInput, "{}: attn_type: expected \"multihead_attention\", got \"{}\"", kAttnWhat, type);
  }
  const auto clip = static_cast<float>(GetFloat(attn, "clip_qkv", 0, 0, 1e6, kAttnWhat));
  const double scale = GetFloat(attn, "softmax_scale", 0, 0, 1e6, kAttnWhat);
  ForLayers(spec, [&](LayerSpec& layer) {
    layer.ffn.hidden = ratio * spec.dim;
    layer.attn.clip = clip;
    if (scale > 0) layer.attn.scale = static_cast<float>(scale);
  });
  AddAlibi(spec, GetFloat(attn, "alibi_bias_max", 8, 1, 64, kAttnWhat));
  return spec;
}

constexpr std::array kTensors = {
    TensorRule{Slot::kEmbed, {"transformer.wte"}},
    TensorRule{Slot::kFinalNorm, {"transformer.norm_f"}},
    TensorRule{Slot::kHead, {"lm_head"}},
    TensorRule{Slot::kAttnNorm, {"transformer.blocks.{l}.norm_1"}},
    TensorRule{Slot::kQkv, {"transformer.blocks.{l}.attn.Wqkv"}},
    TensorRule{Slot::kAttnOut, {"transformer.blocks.{l}.attn.out_proj"}},
    TensorRule{Slot::kFfnNorm, {"transformer.blocks.{l}.norm_2"}},
    TensorRule{Slot::kGateUp, {"transformer.blocks.{l}.ffn.up_proj"}},
    TensorRule{Slot::kDown, {"transformer.blocks.{l}.ffn.down_proj"}},
};

}  // namespace

const Arch kMptArch{"MPTForCausalLM", MptSpec, kTensors, "MPT-7B and 30B, Instruct, Chat, StoryWriter"};
const Arch kMptNewArch{"MptForCausalLM", MptSpec, kTensors, "MPT as transformers exports it"};

}  // namespace spate
