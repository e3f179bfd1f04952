#include "model/weights.h"

namespace spate {

int64_t Weights::BytesPerToken() const {
  int64_t bytes = head->bytes();
  for (const LayerWeights& l : layers) {
    bytes += l.qkv->bytes() + l.attn_out->bytes() + l.gate_up->bytes() + l.down->bytes();
  }
  return bytes;
}

}  // namespace spate
