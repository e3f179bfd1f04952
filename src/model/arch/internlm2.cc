// InternLM2 and 2.5: Llama with names of its own, and q, k and v of each key/value head's group together.
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"

namespace spate {
namespace {

constexpr std::array kTensors = {
    TensorRule{Slot::kEmbed, {"model.tok_embeddings"}},
    TensorRule{Slot::kFinalNorm, {"model.norm"}},
    TensorRule{Slot::kHead, {"output"}},
    TensorRule{Slot::kAttnNorm, {"model.layers.{l}.attention_norm"}},
    TensorRule{Slot::kQkv, {"model.layers.{l}.attention.wqkv"}, RowOrder::kByGroup},
    TensorRule{Slot::kAttnOut, {"model.layers.{l}.attention.wo"}},
    TensorRule{Slot::kFfnNorm, {"model.layers.{l}.ffn_norm"}},
    TensorRule{Slot::kGateUp, {"model.layers.{l}.feed_forward.w1", "model.layers.{l}.feed_forward.w3"}},
    TensorRule{Slot::kDown, {"model.layers.{l}.feed_forward.w2"}},
};

}  // namespace

const Arch kInternLm2Arch{"InternLM2ForCausalLM", LlamaLikeSpec, kTensors, "InternLM2 and 2.5, 1.8B, 7B, 20B"};

}  // namespace spate
