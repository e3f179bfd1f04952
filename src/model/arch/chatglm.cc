// ChatGLM2-6B, ChatGLM3-6B and GLM-4-9B as Zhipu publishes them. ChatGLM-6B, the first, is another model: its layers
// see two kinds of position.
#include "base/error.h"
#include "base/json.h"
#include "model/arch/archs.h"
#include "model/arch/config_fields.h"
#include "model/arch/gpt_spec.h"
#include "model/rope.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr int kOldVocab = 65024;  // of ChatGLM2 and 3

void RefuseOthers(const json& config) {
  if (FindField(config, "position_encoding_2d", kConfigFile) != nullptr) {
    throw Error(ErrorCode::kBadInput,
                "{}: position_encoding_2d: this is ChatGLM-6B of the first generation, which is not known; take "
                "ChatGLM2-6B or later",
                kConfigFile);
  }
  if (FindField(config, "pre_seq_len", kConfigFile) != nullptr) {
    throw Error(ErrorCode::kBadInput, "{}: pre_seq_len: a trained prefix is not known, got {}", kConfigFile,
                DescribeJson(config["pre_seq_len"]));
  }
  RequireSwitch(config, "apply_residual_connection_post_layernorm", false);
  RequireSwitch(config, "post_layer_norm", true);
  RequireSwitch(config, "original_rope", true);
}

// rope_ratio multiplies the base of the rotation, as in the code of ChatGLM3 and GLM-4. In that of ChatGLM2 (6B-32K
// alone has one) it divides positions. Of the two only a name in config.json tells which is meant.
RopeTable Rotation(const json& config, int head_dim, ModelSpec& spec) {
  const double ratio = GetFloat(config, "rope_ratio", 1, 1e-3, 1e6, kConfigFile);
  const std::string name = GetString(config, "_name_or_path", "", kConfigFile);
  const bool second = name.find("chatglm2") != std::string::npos;
  json rope = {{"rope_theta", second ? 10000.0 : 10000.0 * ratio}};
  if (second && ratio != 1) rope["rope_scaling"] = {{"rope_type", "linear"}, {"factor", ratio}};
  if (ratio != 1 && spec.vocab == kOldVocab && name.find("chatglm") == std::string::npos) {
    spec.notes.push_back(fmt::format(
        "rope_ratio {} is taken as ChatGLM3 means it; if this is ChatGLM2-6B-32K, set _name_or_path to say so", ratio));
  }
  return MakeRope(rope, head_dim / 2, RopeStyle::kInterleaved);
}

ModelSpec ChatGlmSpec(const json& config) {
  RefuseOthers(config);
  ModelSpec spec;
  spec.dim = WholeField(config, "hidden_size", {});
  spec.vocab = WholeField(config, FirstKey(config, {"padded_vocab_size", "vocab_size"}), {}, 1 << 26);
  spec.context = WholeField(config, "seq_length", 2048, 1 << 30);
  const NormKind kind = GetBool(config, "rmsnorm", true, kConfigFile) ? NormKind::kRms : NormKind::kLayer;
  spec.norm = {kind, FloatField(config, "layernorm_epsilon", 1e-5, 0, 1)};
  spec.tied_head = GetBool(config, "tie_word_embeddings", false, kConfigFile);
  ReadTokenIds(config, spec);

  LayerSpec layer;
  const int heads = WholeField(config, "num_attention_heads", {}, 1 << 16);
  const bool grouped = GetBool(config, "multi_query_attention", false, kConfigFile);
  const int kv_heads = grouped ? WholeField(config, "multi_query_group_num", 1, 1 << 16) : heads;
  layer.attn = MakeAttn(spec.dim, heads, kv_heads, WholeField(config, "kv_channels", 128, 1 << 16));
  layer.ffn.hidden = WholeField(config, "ffn_hidden_size", {});
  spec.ropes.push_back(Rotation(config, layer.attn.head_dim, spec));
  spec.layers.assign(static_cast<size_t>(WholeField(config, "num_layers", {}, kMaxLayers)), layer);
  return spec;
}

constexpr std::array kTensors = {
    TensorRule{Slot::kEmbed, {"transformer.embedding.word_embeddings"}},
    TensorRule{Slot::kFinalNorm, {"transformer.encoder.final_layernorm"}},
    TensorRule{Slot::kHead, {"transformer.output_layer"}},
    TensorRule{Slot::kAttnNorm, {"transformer.encoder.layers.{l}.input_layernorm"}},
    TensorRule{Slot::kQkv, {"transformer.encoder.layers.{l}.self_attention.query_key_value"}},
    TensorRule{Slot::kAttnOut, {"transformer.encoder.layers.{l}.self_attention.dense"}},
    TensorRule{Slot::kFfnNorm, {"transformer.encoder.layers.{l}.post_attention_layernorm"}},
    TensorRule{Slot::kGateUp, {"transformer.encoder.layers.{l}.mlp.dense_h_to_4h"}},
    TensorRule{Slot::kDown, {"transformer.encoder.layers.{l}.mlp.dense_4h_to_h"}},
};

}  // namespace

const Arch kChatGlmArch{"ChatGLMModel", ChatGlmSpec, kTensors, "ChatGLM2-6B, ChatGLM3-6B, GLM-4-9B, CodeGeeX4"};
const Arch kChatGlmConditionalArch{"ChatGLMForConditionalGeneration", ChatGlmSpec, kTensors,
                                   "the same under the other name"};

}  // namespace spate
