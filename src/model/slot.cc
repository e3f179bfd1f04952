#include "model/slot.h"

#include "base/check.h"

namespace spate {

SlotShape ExpectedShape(Slot slot, const ModelSpec& spec, const LayerSpec& layer) {
  const AttnSpec& attn = layer.attn;
  const int64_t query = attn.QueryWidth();
  const int64_t key = int64_t{attn.kv_heads} * attn.head_dim;
  switch (slot) {
    case Slot::kEmbed:
    case Slot::kHead:
      return {{spec.vocab}, 1, spec.dim};
    case Slot::kFinalNorm:
    case Slot::kAttnNorm:
    case Slot::kFfnNorm:
      return {{1}, 1, spec.dim};
    case Slot::kQkv:
      return {{query, key, key}, 3, spec.dim};
    case Slot::kAttnOut:
      return {{spec.dim}, 1, query};
    case Slot::kGateUp:
      return {{layer.ffn.hidden, layer.ffn.hidden}, 2, spec.dim};
    case Slot::kDown:
      return {{spec.dim}, 1, layer.ffn.hidden};
    case Slot::kCount:
      break;
  }
  CHECK(false, "slot {}", static_cast<int>(slot));
}

}  // namespace spate
