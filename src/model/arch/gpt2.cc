// GPT-2: learned positions, and matrices stored as [in, out]. The models of OpenAI leave "transformer." out of the
// names, later exports do not. GPT-BigCode (SantaCoder, StarCoder): the same with one key/value head, stored as usual.
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/gpt_spec.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr GptKeys kKeys{
    .dim = "n_embd", .layers = "n_layer", .heads = "n_head", .context = "n_positions", .ffn = "n_inner"};

void SetScale(const json& config, ModelSpec& spec) {
  if (GetBool(config, "scale_attn_weights", true, kConfigFile)) return;
  ForLayers(spec, [](LayerSpec& layer) { layer.attn.scale = 1; });
}

ModelSpec Gpt2Spec(const json& config) {
  ModelSpec spec = GptSpec(config, kKeys);
  AddPositionTable(spec);
  RequireSwitch(config, "add_cross_attention", false);
  SetScale(config, spec);
  if (GetBool(config, "scale_attn_by_inverse_layer_idx", false, kConfigFile)) {
    for (int l = 0; l < spec.Layers(); ++l) spec.layers[static_cast<size_t>(l)].attn.scale /= static_cast<float>(l + 1);
  }
  return spec;
}

ModelSpec BigCodeSpec(const json& config) {
  GptKeys keys = kKeys;
  keys.default_act = "gelu_pytorch_tanh";
  ModelSpec spec = GptSpec(config, keys);
  AddPositionTable(spec);
  RequireSwitch(config, "add_cross_attention", false);
  SetScale(config, spec);
  if (!GetBool(config, "multi_query", true, kConfigFile)) return spec;
  ForLayers(spec, [](LayerSpec& layer) { layer.attn.kv_heads = 1; });
  return spec;
}

constexpr std::array kStem = {
    TensorRule{Slot::kEmbed, {"transformer.wte"}},           TensorRule{Slot::kPositions, {"transformer.wpe"}},
    TensorRule{Slot::kFinalNorm, {"transformer.ln_f"}},      TensorRule{Slot::kHead, {"lm_head"}},
    TensorRule{Slot::kAttnNorm, {"transformer.h.{l}.ln_1"}}, TensorRule{Slot::kFfnNorm, {"transformer.h.{l}.ln_2"}},
};

constexpr auto kTransposed = Join(
    kStem, std::array{
               TensorRule{.slot = Slot::kQkv, .sources = {"transformer.h.{l}.attn.c_attn"}, .transposed = true},
               TensorRule{.slot = Slot::kAttnOut, .sources = {"transformer.h.{l}.attn.c_proj"}, .transposed = true},
               TensorRule{.slot = Slot::kGateUp, .sources = {"transformer.h.{l}.mlp.c_fc"}, .transposed = true},
               TensorRule{.slot = Slot::kDown, .sources = {"transformer.h.{l}.mlp.c_proj"}, .transposed = true},
           });

constexpr auto kBigCode = Join(kStem, std::array{
                                          TensorRule{Slot::kQkv, {"transformer.h.{l}.attn.c_attn"}, RowOrder::kByGroup},
                                          TensorRule{Slot::kAttnOut, {"transformer.h.{l}.attn.c_proj"}},
                                          TensorRule{Slot::kGateUp, {"transformer.h.{l}.mlp.c_fc"}},
                                          TensorRule{Slot::kDown, {"transformer.h.{l}.mlp.c_proj"}},
                                      });

}  // namespace

const Arch kGpt2Arch{.name = "GPT2LMHeadModel",
                     .spec = Gpt2Spec,
                     .tensors = kTransposed,
                     .models = "GPT-2 (all sizes), DistilGPT2, DialoGPT, Cerebras-GPT",
                     .prefix = "transformer."};
const Arch kGptBigCodeArch{.name = "GPTBigCodeForCausalLM",
                           .spec = BigCodeSpec,
                           .tensors = kBigCode,
                           .models = "StarCoder, StarCoderBase, SantaCoder, TinyStarCoder",
                           .prefix = "transformer."};

}  // namespace spate
