// GPT-J: both branches behind one norm, neighbouring values of a part of each head rotated, a bias on the head.
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/gpt_spec.h"
#include "model/rope.h"

namespace spate {
namespace {

using nlohmann::json;

ModelSpec GptJSpec(const json& config) {
  ModelSpec spec = GptSpec(config, {.dim = "n_embd",
                                    .layers = "n_layer",
                                    .heads = "n_head",
                                    .context = "n_positions",
                                    .ffn = "n_inner",
                                    .tied = false});
  const int rotated = WholeField(config, "rotary_dim", {}, spec.layers.front().attn.head_dim);
  spec.ropes.push_back(MakeRope(config, rotated, RopeStyle::kInterleaved));
  ForLayers(spec, [](LayerSpec& layer) {
    layer.attn.rope = 0;
    layer.parallel = layer.shared_norm = true;
  });
  return spec;
}

constexpr std::array kTensors = {
    TensorRule{Slot::kEmbed, {"transformer.wte"}},
    TensorRule{Slot::kFinalNorm, {"transformer.ln_f"}},
    TensorRule{Slot::kHead, {"lm_head"}},
    TensorRule{Slot::kAttnNorm, {"transformer.h.{l}.ln_1"}},
    TensorRule{Slot::kQkv,
               {"transformer.h.{l}.attn.q_proj", "transformer.h.{l}.attn.k_proj", "transformer.h.{l}.attn.v_proj"}},
    TensorRule{Slot::kAttnOut, {"transformer.h.{l}.attn.out_proj"}},
    TensorRule{Slot::kGateUp, {"transformer.h.{l}.mlp.fc_in"}},
    TensorRule{Slot::kDown, {"transformer.h.{l}.mlp.fc_out"}},
};

}  // namespace

const Arch kGptJArch{"GPTJForCausalLM", GptJSpec, kTensors, "GPT-J-6B, GPT4All-J"};

}  // namespace spate
