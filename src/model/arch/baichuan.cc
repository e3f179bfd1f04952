// Baichuan 1 and 2: Llama with q, k and v in one matrix. The 13B models have linear biases instead of rotation and say
// so only by what their config.json lacks: max_position_embeddings. Baichuan 2 normalizes the head's rows.
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/gpt_spec.h"
#include "model/arch/llama_tensors.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr int kFirstVocab = 64000;  // of Baichuan 1; nothing else in config.json tells the generations apart

ModelSpec BaichuanSpec(const json& config) {
  ModelSpec spec = LlamaLikeSpec(config);
  spec.normalize_head = spec.vocab != kFirstVocab;
  if (FindField(config, "max_position_embeddings", kConfigFile) != nullptr) return spec;
  spec.context = WholeField(config, "model_max_length", 4096, 1 << 30);
  spec.ropes.clear();
  AddAlibi(spec);
  return spec;
}

constexpr auto kTensors = Join(
    std::array{
        TensorRule{Slot::kEmbed, {"model.embed_tokens"}},
        TensorRule{Slot::kFinalNorm, {"model.norm"}},
        TensorRule{Slot::kHead, {"lm_head"}},
        TensorRule{Slot::kAttnNorm, {"model.layers.{l}.input_layernorm"}},
        TensorRule{Slot::kQkv, {"model.layers.{l}.self_attn.W_pack"}},
        TensorRule{Slot::kAttnOut, {"model.layers.{l}.self_attn.o_proj"}},
    },
    Join(kLlamaFfnNorm, kLlamaFfn));

}  // namespace

const Arch kBaichuanArch{"BaichuanForCausalLM", BaichuanSpec, kTensors, "Baichuan2 7B and 13B, Baichuan 13B"};
const Arch kBaichuan1Arch{"BaiChuanForCausalLM", BaichuanSpec, kTensors, "Baichuan 7B"};

}  // namespace spate
