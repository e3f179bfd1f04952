#include "checkpoint/gguf_config.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "base/error.h"
#include "base/utf8.h"
#include "checkpoint/gguf_archs.h"
#include "checkpoint/gguf_rope_config.h"
#include "checkpoint/gguf_tokens.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr int64_t kMaxSize = int64_t{1} << 30;
constexpr int64_t kMaxLayers = 512;  // well above the deepest models
constexpr int64_t kMaxHeads = 1 << 16;

const GgufArch& ArchOf(const GgufMetadata& metadata) {
  constexpr std::string_view kArchitecture = "general.architecture", kType = "general.type";
  if (const std::string_view type = metadata.GetString(kType, "model"); type != "model") {
    metadata.Fail(kType, fmt::format("expected \"model\", got \"{}\"", OneLine(type, 40)));
  }
  const std::string_view name = metadata.GetString(kArchitecture, std::nullopt);
  for (const GgufArch& arch : GgufArchs()) {
    if (arch.gguf == name) return arch;
  }
  metadata.Fail(kArchitecture,
                fmt::format("\"{}\" is not known; known are {}", OneLine(name, 40), fmt::join(KnownGgufArchs(), ", ")));
}

int64_t LargestOf(std::string_view key) {
  if (key == "block_count") return kMaxLayers;
  return key.starts_with("attention.head_count") ? kMaxHeads : kMaxSize;
}

void AddKey(const GgufConfigKey& key, GgufHyper* hyper, json* config) {
  const std::string name(key.config);
  switch (key.kind) {
    case GgufConfigKey::kSize:
      if (const auto value = hyper->FindInt(key.gguf, 1, LargestOf(key.gguf))) {
        (*config)[name] = *value;
      } else if (key.required) {
        hyper->GetInt(key.gguf, 1, LargestOf(key.gguf));
      }
      break;
    case GgufConfigKey::kWindow:
      if (const auto value = hyper->FindInt(key.gguf, 0, kMaxSize)) {
        (*config)[name] = *value == 0 ? json() : json(*value);
      }
      break;
    case GgufConfigKey::kNumber:
      if (const auto value = hyper->FindFloat(key.gguf, -1e12, 1e12)) {
        (*config)[name] = *value;
      } else if (key.required) {
        hyper->Fail(key.gguf, "missing; expected a number");
      }
      break;
    case GgufConfigKey::kFlag:
      if (const auto value = hyper->FindBool(key.gguf)) (*config)[name] = *value;
      break;
  }
}

// Architectures without a field for it have as many heads of keys and values as of queries.
void CheckKvHeads(const GgufArch& arch, GgufHyper* hyper, int64_t heads) {
  constexpr std::string_view kKey = "attention.head_count_kv";
  if (std::ranges::find(arch.keys, kKey, &GgufConfigKey::gguf) != arch.keys.end()) return;
  const int64_t kv_heads = hyper->FindInt(kKey, 1, kMaxHeads).value_or(heads);
  if (kv_heads != heads) hyper->Fail(kKey, fmt::format("expected attention.head_count, {}, got {}", heads, kv_heads));
}

// The size of a head, which config.json names only where it may be another one than hidden / heads.
int64_t AddHeadDim(const GgufArch& arch, GgufHyper* hyper, json* config) {
  const int64_t heads = hyper->GetInt("attention.head_count", 1, kMaxHeads);
  CheckKvHeads(arch, hyper, heads);
  const int64_t usual = hyper->GetInt("embedding_length", 1, kMaxSize) / heads;
  const std::optional<int64_t> key = hyper->FindInt("attention.key_length", 1, kMaxHeads);
  const int64_t value = hyper->FindInt("attention.value_length", 1, kMaxHeads).value_or(usual);
  const int64_t head = key.value_or(usual);
  if (head != value) {
    hyper->Fail("attention.value_length", fmt::format("expected attention.key_length, {}, got {}", head, value));
  }
  if (head == 0) hyper->Fail("attention.head_count", fmt::format("{} heads are more than values", heads));
  if (!arch.head_dim.empty()) {
    if (key) (*config)[std::string(arch.head_dim)] = head;
  } else if (head != usual) {
    hyper->Fail("attention.key_length",
                fmt::format("expected embedding_length / attention.head_count, {}, got {}", usual, head));
  }
  return head;
}

// Rows of the embedding; tokens beyond it would have none.
void AddVocabulary(const GgufFile& file, GgufHyper* hyper, json* config) {
  hyper->Ignore("vocab_size");
  const GgufMetadata& metadata = file.metadata;
  const std::optional<GgufStrings> texts = metadata.FindStrings("tokenizer.ggml.tokens");
  const size_t tokens = texts ? texts->size() : 0;
  const GgufTensor* embedding = file.Find("token_embd.weight");
  const size_t rows =
      embedding != nullptr && embedding->shape.size() == 2 ? static_cast<size_t>(embedding->shape[0]) : tokens;
  if (tokens > rows) {
    metadata.Fail("tokenizer.ggml.tokens", fmt::format("{} tokens, but token_embd.weight has {} rows", tokens, rows));
  }
  if (rows == 0) metadata.Fail("tokenizer.ggml.tokens", "missing, and no token_embd.weight");
  (*config)["vocab_size"] = rows;
  (*config)["tie_word_embeddings"] = file.Find("output.weight") == nullptr;
  constexpr std::pair<std::string_view, std::string_view> kIds[] = {
      {"bos", "bos_token_id"}, {"eos", "eos_token_id"}, {"padding", "pad_token_id"}};
  for (const auto& [name, field] : kIds) {
    const int32_t id = ReadTokenId(metadata, name, rows, -1);
    if (id >= 0) (*config)[std::string(field)] = id;
  }
}

// One window for a pattern of layers, or a list that says it of each.
void AddWindowPattern(GgufHyper* hyper, json* config) {
  constexpr std::string_view kKey = "attention.sliding_window_pattern";
  if (!hyper->IsList(kKey)) {
    if (const auto period = hyper->FindInt(kKey, 1, kMaxLayers)) (*config)["sliding_window_pattern"] = *period;
    return;
  }
  json types = json::array();
  const std::vector<bool> windowed_layers = *hyper->FindBools(kKey, kMaxLayers);
  for (const bool windowed : windowed_layers) {
    types.push_back(windowed ? "sliding_attention" : "full_attention");
  }
  (*config)["layer_types"] = std::move(types);
  config->erase("sliding_window_pattern");
}

// Keys that files of every architecture may have and that must say what is the case here anyway.
void CheckUsual(GgufHyper* hyper, const json& config) {
  if (!hyper->FindBool("attention.causal").value_or(true)) hyper->Fail("attention.causal", "expected true, got false");
  struct Usual {
    std::string_view key;
    int64_t min, max;
    std::string_view means;
  };
  constexpr Usual kUsual[] = {
      {"pooling_type", 0, 0, "the model is made for embeddings, not for text"},
      {"nextn_predict_layers", 0, 0, "layers that predict further tokens are not supported"},
      {"expert_group_count", 0, 1, "groups of experts are not supported"},
      {"expert_group_used_count", 0, 1, "groups of experts are not supported"},
      {"expert_gating_func", 0, 1, "only softmax is supported"},
      {"expert_count", 0, 0, "this architecture has no experts"},
      {"expert_used_count", 0, 0, "this architecture has no experts"},
      {"leading_dense_block_count", 0, 0, "layers without experts before others are not supported"},
      {"expert_shared_count", 0, 0, "shared experts are expressed by their size"},
  };
  const bool experts = config.contains("num_experts_per_tok");
  for (const Usual& usual : kUsual) {
    if (experts && (usual.key == "expert_count" || usual.key == "expert_used_count")) continue;
    const std::optional<int64_t> value = hyper->FindInt(usual.key, INT64_MIN, INT64_MAX);
    if (value && (*value < usual.min || *value > usual.max)) {
      hyper->Fail(usual.key, fmt::format("got {}; {}", *value, usual.means));
    }
  }
  const double scale = hyper->FindFloat("expert_weights_scale", -1e12, 1e12).value_or(1);
  if (scale != 1 && scale != 0) hyper->Fail("expert_weights_scale", fmt::format("expected 1, got {}", scale));
  hyper->Ignore("tensor_data_layout");  // a remark: each architecture has one
}

void CheckExperts(const GgufHyper& hyper, const json& config) {
  if (!config.contains("num_experts_per_tok")) return;
  const char* total = config.contains("num_experts") ? "num_experts" : "num_local_experts";
  const int64_t all = config[total].get<int64_t>(), used = config["num_experts_per_tok"].get<int64_t>();
  if (used < 1 || used > all) {
    hyper.Fail("expert_used_count", fmt::format("expected 1 to expert_count, {}, got {}", all, used));
  }
}

}  // namespace

json GgufConfig(const GgufFile& file) {
  const GgufArch& arch = ArchOf(file.metadata);
  GgufHyper hyper(file.metadata, arch.gguf);
  json config = json::parse(arch.constants);
  config["architectures"] = {arch.config};
  for (const GgufConfigKey& key : arch.keys) AddKey(key, &hyper, &config);
  for (const GgufConfigKey& key : arch.more) AddKey(key, &hyper, &config);
  const int64_t head = AddHeadDim(arch, &hyper, &config);
  if (arch.rotates) AddRope(arch, file, head, &hyper, &config);
  AddVocabulary(file, &hyper, &config);
  AddWindowPattern(&hyper, &config);
  for (const GgufTensorFlag& flag : arch.flags) {
    config[std::string(flag.config)] = file.Find(flag.tensor) != nullptr;
  }
  if (arch.adjust != nullptr) arch.adjust(hyper, file, config);
  CheckUsual(&hyper, config);
  CheckExperts(hyper, config);
  hyper.RefuseTheRest();
  return config;
}

GgufDialect DialectOf(const GgufFile& file) { return ArchOf(file.metadata).dialect; }

std::vector<std::string_view> KnownGgufArchs() {
  std::vector<std::string_view> names;
  for (const GgufArch& arch : GgufArchs()) names.push_back(arch.gguf);
  return names;
}

}  // namespace spate
