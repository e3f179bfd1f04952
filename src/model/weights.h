// The packed weights of one rank. Owned by its worker, immutable after load, freed before the Device.
#pragma once

#include <memory>
#include <vector>

#include "backend/linear.h"
#include "model/spec.h"

namespace spate {

// What the spec does not ask for is null (Needs in model/slot.h).
struct LayerWeights {
  std::unique_ptr<Vec> attn_norm;  // [dim]
  std::unique_ptr<Linear> qkv;     // [(heads + 2 kv_heads) * head_dim, dim]
  std::unique_ptr<Vec> q_norm;     // see QkNorm
  std::unique_ptr<Vec> k_norm;
  std::unique_ptr<Linear> attn_out;        // [dim, heads * head_dim]
  std::unique_ptr<Vec> post_attn_norm;     // [dim]
  std::unique_ptr<Vec> ffn_norm;           // [dim]
  std::unique_ptr<Linear> router;          // [experts, dim]
  std::unique_ptr<Linear> gate_up;         // [2 * hidden, dim] gated, or [hidden, dim]; a stack of experts
  std::unique_ptr<Linear> down;            // [dim, hidden]; a stack of experts
  std::unique_ptr<Linear> shared_gate_up;  // [2 * shared_hidden, dim]
  std::unique_ptr<Linear> shared_down;     // [dim, shared_hidden]
  std::unique_ptr<Linear> shared_gate;     // [1, dim]
  std::unique_ptr<Vec> post_ffn_norm;      // [dim]
};

struct Weights {
  std::unique_ptr<Linear> head;      // [vocab, dim]
  std::unique_ptr<Table> embed;      // [vocab, dim]; reads `head` when tied, so it is declared after it
  std::unique_ptr<Table> positions;  // [position_rows, dim]
  std::unique_ptr<Vec> embed_norm;   // [dim]
  std::unique_ptr<Vec> final_norm;   // [dim]
  std::vector<LayerWeights> layers;

  // Bytes read to produce one token in decode: every matrix once, of a mixture those of a token's experts, head
  // included, embedding rows not.
  int64_t BytesPerToken(const ModelSpec& spec) const;
};

}  // namespace spate
