// params.json of Meta's model folders, and what else follows from the shapes of its tensors. Pure functions.
// Throws Error(kBadInput).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "checkpoint/mapped_checkpoint.h"

namespace spate {

struct MetaSizes {
  int64_t dim = 0;
  int64_t layers = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t hidden = 0;  // of the feed-forward
  int64_t vocab = 0;
  bool tied_head = false;  // no output matrix of its own
};

// `shard`: the tensors of one of `shards` equal files. `what` names params.json in messages. A key that this program
// does not know is refused, because it may change the arithmetic.
MetaSizes ReadMetaSizes(const nlohmann::json& params, const TensorMap& shard, int64_t shards, std::string_view what);

// What config.json of the same model as LlamaForCausalLM would hold, and "rope_interleave": true. params.json does not
// say how long a context the model was trained for unless it has max_seq_len: then it is the published length of the
// generation, told by its rotary embedding: 131072 when that is scaled (3.1 on), 16384 with base 1e6 (Code Llama), 8192
// with 5e5 (3), and of those with 1e4, 2048 with norm_eps 1e-6 (1), otherwise 4096 (2).
nlohmann::json MetaConfig(const nlohmann::json& params, const MetaSizes& sizes, DType dtype, std::string_view what);

}  // namespace spate
