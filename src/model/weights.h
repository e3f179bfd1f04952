// The packed weights of one rank. Owned by its worker, immutable after load, freed before the Device.
#pragma once

#include <memory>
#include <vector>

#include "backend/linear.h"

namespace spate {

struct LayerWeights {
  std::unique_ptr<Vec> attn_norm;    // [dim]
  std::unique_ptr<Linear> qkv;       // [(heads + 2 kv_heads) * head_dim, dim]
  std::unique_ptr<Linear> attn_out;  // [dim, heads * head_dim]
  std::unique_ptr<Vec> ffn_norm;     // [dim]
  std::unique_ptr<Linear> gate_up;   // [2 * hidden, dim], gated
  std::unique_ptr<Linear> down;      // [dim, hidden]
};

struct Weights {
  std::unique_ptr<Linear> head;     // [vocab, dim]
  std::unique_ptr<Table> embed;     // [vocab, dim]; reads `head` when tied, so it is declared after it
  std::unique_ptr<Vec> final_norm;  // [dim]
  std::vector<LayerWeights> layers;

  // Bytes read to produce one token in decode: every matrix once, head included, embedding rows not.
  int64_t BytesPerToken() const;
};

}  // namespace spate
