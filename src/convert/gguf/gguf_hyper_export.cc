#include "convert/gguf/gguf_hyper_export.h"

#include <optional>
#include <span>

#include "base/error.h"
#include "base/json.h"
#include "convert/gguf/gguf_rope_export.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr std::string_view kWhat = "config.json";
// What architectures are taken to do, whatever a key says; a model that does otherwise is found by reading the result.
constexpr std::string_view kTakenForGranted = "expert_weights_norm";

// What the spec says, for fields that config.json may leave out.
std::optional<double> FromSpec(std::string_view key, const ModelSpec& spec) {
  const LayerSpec& layer = spec.layers.front();
  if (key == "context_length") return spec.context;
  if (key == "embedding_length") return spec.dim;
  if (key == "block_count") return spec.Layers();
  if (key == "feed_forward_length") return layer.ffn.hidden;
  if (key == "attention.head_count") return layer.attn.heads;
  if (key == "attention.head_count_kv") return layer.attn.kv_heads;
  if (key == "attention.layer_norm_rms_epsilon" || key == "attention.layer_norm_epsilon") {
    return static_cast<double>(spec.norm.eps);
  }
  return std::nullopt;
}

void AddKey(const GgufConfigKey& key, const std::string& prefix, const json& config, const ModelSpec& spec,
            GgufHeader* header) {
  const json* field = FindField(config, key.config, kWhat);
  const std::optional<double> made = FromSpec(key.gguf, spec);
  const std::string name = prefix + std::string(key.gguf);
  switch (key.kind) {
    case GgufConfigKey::kSize:
    case GgufConfigKey::kWindow:
      if (field != nullptr) {
        header->U32(name, static_cast<uint32_t>(GetInt(config, key.config, std::nullopt, 0, 1 << 30, kWhat)));
      } else if (made) {
        header->U32(name, static_cast<uint32_t>(*made));
      }
      break;
    case GgufConfigKey::kNumber:
      if (field != nullptr) {
        header->F32(name, static_cast<float>(GetFloat(config, key.config, std::nullopt, -1e12, 1e12, kWhat)));
      } else if (made) {
        header->F32(name, static_cast<float>(*made));
      }
      break;
    case GgufConfigKey::kFlag:
      if (field != nullptr) header->Bool(name, GetBool(config, key.config, std::nullopt, kWhat));
      break;
  }
}

// One architecture of GGUF is three of config.json.
void AddLlamaKeys(const std::string& prefix, const ModelSpec& spec, GgufHeader* header) {
  const LayerSpec& layer = spec.layers.front();
  if (layer.ffn.experts > 0) {
    header->U32(prefix + "expert_count", static_cast<uint32_t>(layer.ffn.experts));
    header->U32(prefix + "expert_used_count", static_cast<uint32_t>(layer.ffn.active));
  }
  if (layer.attn.window > 0) {
    header->U32(prefix + "attention.sliding_window", static_cast<uint32_t>(layer.attn.window));
  }
}

}  // namespace

std::vector<GgufValues> AddHyperParameters(const GgufFamily& family, const json& config, const ModelSpec& spec,
                                           GgufHeader* header) {
  const GgufArch& arch = ArchOf(family);
  const std::string prefix = std::string(arch.gguf) + ".";
  for (const std::span<const GgufConfigKey> keys : {arch.keys, arch.more}) {
    for (const GgufConfigKey& key : keys) {
      if (key.gguf != kTakenForGranted) AddKey(key, prefix, config, spec, header);
    }
  }
  if (arch.gguf == "llama") AddLlamaKeys(prefix, spec, header);
  const AttnSpec& attn = spec.layers.front().attn;
  if (attn.QueryWidth() != spec.dim || FindField(config, "head_dim", kWhat) != nullptr) {
    header->U32(prefix + "attention.key_length", static_cast<uint32_t>(attn.head_dim));
    header->U32(prefix + "attention.value_length", static_cast<uint32_t>(attn.head_dim));
  }
  header->U32(prefix + "vocab_size", static_cast<uint32_t>(spec.vocab));
  return AddRopeParameters(family, config, spec, header);
}

}  // namespace spate
