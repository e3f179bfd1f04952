#include "model/weights.h"

namespace spate {

int64_t Weights::BytesPerToken(const ModelSpec& spec) const {
  int64_t bytes = head->bytes();
  for (size_t l = 0; l < layers.size(); ++l) {
    const LayerWeights& w = layers[l];
    for (const Linear* linear : {w.qkv.get(), w.attn_out.get(), w.router.get(), w.shared_gate_up.get(),
                                 w.shared_down.get(), w.shared_gate.get()}) {
      if (linear != nullptr) bytes += linear->bytes();
    }
    const int64_t experts = w.gate_up->bytes() + w.down->bytes();
    const FfnSpec& ffn = spec.layers[l].ffn;
    bytes += ffn.experts > 0 ? experts / ffn.experts * ffn.active : experts;
  }
  return bytes;
}

}  // namespace spate
