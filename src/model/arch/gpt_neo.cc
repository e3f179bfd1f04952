// GPT-Neo: learned positions, scores that are not scaled, windows in the layers that attention_types calls local.
#include "base/error.h"
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/gpt_spec.h"

namespace spate {
namespace {

using nlohmann::json;

[[noreturn]] void ThrowTypes(const json& found, int layers) {
  throw Error(ErrorCode::kBadInput,
              "{}: attention_types: expected pairs of a list of \"global\" and \"local\" and how often it is repeated, "
              "for {} layers in all, got {}",
              kConfigFile, layers, DescribeJson(found));
}

// "attention_types": [[["global", "local"], 12]]
std::vector<bool> LocalLayers(const json& config, int layers) {
  const json* types = FindArray(config, "attention_types", kConfigFile);
  if (types == nullptr) ThrowTypes(json(), layers);
  std::vector<bool> local;
  for (const json& pair : *types) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_array() || pair[0].empty() || !pair[1].is_number_integer())
      ThrowTypes(pair, layers);
    const auto room = static_cast<int64_t>((static_cast<size_t>(layers) - local.size()) / pair[0].size());
    const auto times = pair[1].get<int64_t>();
    if (times < 0 || times > room) ThrowTypes(pair, layers);
    for (int64_t i = 0; i < times; ++i) {
      for (const json& type : pair[0]) {
        if (type != "global" && type != "local") ThrowTypes(type, layers);
        local.push_back(type == "local");
      }
    }
  }
  if (local.size() != static_cast<size_t>(layers)) ThrowTypes(*types, layers);
  return local;
}

ModelSpec GptNeoSpec(const json& config) {
  ModelSpec spec = GptSpec(config, {.layers = "num_layers", .heads = "num_heads"});
  AddPositionTable(spec);
  const std::vector<bool> local = LocalLayers(config, spec.Layers());
  const int window = WholeField(config, "window_size", 256, 1 << 30);
  for (size_t l = 0; l < spec.layers.size(); ++l) {
    spec.layers[l].attn.scale = 1;
    if (local[l]) spec.layers[l].attn.window = window;
  }
  return spec;
}

constexpr std::array kTensors = {
    TensorRule{Slot::kEmbed, {"transformer.wte"}},
    TensorRule{Slot::kPositions, {"transformer.wpe"}},
    TensorRule{Slot::kFinalNorm, {"transformer.ln_f"}},
    TensorRule{Slot::kHead, {"lm_head"}},
    TensorRule{Slot::kAttnNorm, {"transformer.h.{l}.ln_1"}},
    TensorRule{Slot::kQkv,
               {"transformer.h.{l}.attn.attention.q_proj", "transformer.h.{l}.attn.attention.k_proj",
                "transformer.h.{l}.attn.attention.v_proj"}},
    TensorRule{Slot::kAttnOut, {"transformer.h.{l}.attn.attention.out_proj"}},
    TensorRule{Slot::kFfnNorm, {"transformer.h.{l}.ln_2"}},
    TensorRule{Slot::kGateUp, {"transformer.h.{l}.mlp.c_fc"}},
    TensorRule{Slot::kDown, {"transformer.h.{l}.mlp.c_proj"}},
};

}  // namespace

const Arch kGptNeoArch{"GPTNeoForCausalLM", GptNeoSpec, kTensors, "GPT-Neo 125M, 1.3B, 2.7B, TinyStories"};

}  // namespace spate
