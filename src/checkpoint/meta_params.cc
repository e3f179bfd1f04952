#include "checkpoint/meta_params.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr int64_t kMaxWidth = int64_t{1} << 24;  // far above any model; products of two fit
constexpr int64_t kMaxRows = int64_t{1} << 26;   // likewise
constexpr std::array<std::string_view, 15> kKnown = {
    "dim",         "n_layers",           "n_heads",    "n_kv_heads",     "head_dim",
    "hidden_dim",  "vocab_size",         "rope_theta", "multiple_of",    "use_scaled_rope",
    "max_seq_len", "ffn_dim_multiplier", "norm_eps",   "max_batch_size", "rope_scaling_factor",
};

void CheckKeys(const json& params, std::string_view what) {
  if (!params.is_object()) throw Error(ErrorCode::kBadInput, "{}: expected an object", what);
  for (const auto& [key, value] : params.items()) {
    if (value.is_null() || std::find(kKnown.begin(), kKnown.end(), key) != kKnown.end()) continue;
    throw Error(ErrorCode::kBadInput, "{}: \"{}\" is not known (a model other than Llama 1 to 3.2?)", what,
                OneLine(key, 60));
  }
}

const Shape& MatrixShape(const TensorMap& shard, std::string_view name, std::string_view what) {
  const auto it = shard.find(name);
  const auto plausible = [](int64_t size) { return size >= 1 && size <= kMaxRows; };
  if (it == shard.end() || it->second.shape.size() != 2 || !std::ranges::all_of(it->second.shape, plausible)) {
    throw Error(ErrorCode::kBadInput, "{}: the weights beside it have no matrix {}", what, name);
  }
  return it->second.shape;
}

// The width that the reference implementation gives the feed-forward.
int64_t HiddenOf(const json& params, int64_t dim, std::string_view what) {
  int64_t hidden = 4 * dim * 2 / 3;
  if (FindField(params, "ffn_dim_multiplier", what) != nullptr) {
    hidden =
        static_cast<int64_t>(GetFloat(params, "ffn_dim_multiplier", {}, 1e-3, 1e3, what) * static_cast<double>(hidden));
  }
  const int64_t unit = GetInt(params, "multiple_of", {}, 1, kMaxWidth, what);
  return (hidden + unit - 1) / unit * unit;
}

int64_t Context(const json& params, double theta, bool scaled, double eps, std::string_view what) {
  if (FindField(params, "max_seq_len", what) != nullptr) {
    return GetInt(params, "max_seq_len", {}, 1, 1 << 30, what);
  }
  if (scaled) return 131072;
  if (theta >= 1e6) return 16384;
  if (theta >= 5e5) return 8192;
  return eps < 5e-6 ? 2048 : 4096;
}

// Llama 3.1 stretches 8-fold; 3.2, whose two text models are the small ones, 32-fold.
double ScaleFactor(const json& params, const MetaSizes& sizes, std::string_view what) {
  const bool llama32 = (sizes.dim == 2048 && sizes.layers == 16) || (sizes.dim == 3072 && sizes.layers == 28);
  return GetFloat(params, "rope_scaling_factor", llama32 ? 32.0 : 8.0, 1, 1e6, what);
}

}  // namespace

MetaSizes ReadMetaSizes(const json& params, const TensorMap& shard, int64_t shards, std::string_view what) {
  CheckKeys(params, what);
  MetaSizes sizes;
  sizes.dim = GetInt(params, "dim", {}, 1, kMaxWidth, what);
  sizes.layers = GetInt(params, "n_layers", {}, 1, 4096, what);
  sizes.heads = GetInt(params, "n_heads", {}, 1, 1 << 16, what);
  sizes.kv_heads = GetInt(params, "n_kv_heads", sizes.heads, 1, 1 << 16, what);
  if (FindField(params, "head_dim", what) == nullptr && sizes.dim % sizes.heads != 0) {
    throw Error(ErrorCode::kBadInput, "{}: dim {} is not a multiple of n_heads {}", what, sizes.dim, sizes.heads);
  }
  sizes.head_dim = GetInt(params, "head_dim", std::max<int64_t>(sizes.dim / sizes.heads, 1), 1, 1 << 16, what);
  sizes.tied_head = !shard.contains("output.weight");

  // Each file has a share of the rows of w1.
  sizes.hidden = MatrixShape(shard, "layers.0.feed_forward.w1.weight", what)[0] * shards;
  int64_t hidden = GetInt(params, "hidden_dim", sizes.hidden, 1, kMaxWidth, what);
  if (FindField(params, "hidden_dim", what) == nullptr && FindField(params, "multiple_of", what) != nullptr) {
    hidden = HiddenOf(params, sizes.dim, what);
  }
  if (hidden != sizes.hidden) {
    throw Error(ErrorCode::kBadInput, "{}: asks for a feed-forward of {}; w1 of {} files has {} rows (a file missing?)",
                what, hidden, shards, sizes.hidden);
  }

  // Llama 3 splits the embedding by tokens, its predecessors by columns.
  const Shape& embedding = MatrixShape(shard, "tok_embeddings.weight", what);
  sizes.vocab = embedding[1] == sizes.dim ? embedding[0] * shards : embedding[0];
  const int64_t vocab = GetInt(params, "vocab_size", -1, -1, kMaxRows, what);  // -1: ask the tokenizer
  if (vocab >= 0 && vocab != sizes.vocab) {
    throw Error(ErrorCode::kBadInput, "{}: vocab_size {}; tok_embeddings of {} files has {} rows (a file missing?)",
                what, vocab, shards, sizes.vocab);
  }
  return sizes;
}

json MetaConfig(const json& params, const MetaSizes& sizes, DType dtype, std::string_view what) {
  const double theta = GetFloat(params, "rope_theta", 10000.0, 1, 1e12, what);
  const double eps = GetFloat(params, "norm_eps", 1e-5, 0, 1, what);
  const bool scaled = GetBool(params, "use_scaled_rope", false, what);
  json config = {
      {"architectures", {"LlamaForCausalLM"}},
      {"model_type", "llama"},
      {"hidden_act", "silu"},
      {"hidden_size", sizes.dim},
      {"intermediate_size", sizes.hidden},
      {"num_hidden_layers", sizes.layers},
      {"num_attention_heads", sizes.heads},
      {"num_key_value_heads", sizes.kv_heads},
      {"head_dim", sizes.head_dim},
      {"vocab_size", sizes.vocab},
      {"tie_word_embeddings", sizes.tied_head},
      {"rms_norm_eps", eps},
      {"rope_theta", theta},
      {"rope_interleave", true},
      {"max_position_embeddings", Context(params, theta, scaled, eps, what)},
      {"torch_dtype", dtype == DType::kF32   ? "float32"
                      : dtype == DType::kF16 ? "float16"
                                             : "bfloat16"},
  };
  if (scaled) {
    config["rope_scaling"] = {{"rope_type", "llama3"},
                              {"factor", ScaleFactor(params, sizes, what)},
                              {"low_freq_factor", 1.0},
                              {"high_freq_factor", 4.0},
                              {"original_max_position_embeddings", 8192}};
  }
  return config;
}

}  // namespace spate
