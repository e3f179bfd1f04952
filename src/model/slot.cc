#include "model/slot.h"

#include "base/check.h"

namespace spate {
namespace {

int64_t QkNormSize(const AttnSpec& attn, int heads) {
  return attn.qk_norm == QkNorm::kHead ? attn.head_dim : int64_t{heads} * attn.head_dim;
}

SlotShape GateUpShape(const ModelSpec& spec, int64_t hidden, bool gated, int experts) {
  return {{hidden, gated ? hidden : 0}, gated ? 2 : 1, spec.dim, experts};
}

}  // namespace

bool Needs(Slot slot, const ModelSpec& spec, const LayerSpec& layer) {
  switch (slot) {
    case Slot::kPositions:
      return spec.position_rows > 0;
    case Slot::kEmbedNorm:
      return spec.embed_norm;
    case Slot::kHead:
      return !spec.tied_head;
    case Slot::kAttnNorm:
      return layer.pre_norms;
    case Slot::kFfnNorm:
      return layer.pre_norms && !(layer.parallel && layer.shared_norm);
    case Slot::kQNorm:
    case Slot::kKNorm:
      return layer.attn.qk_norm != QkNorm::kNone;
    case Slot::kPostAttnNorm:
    case Slot::kPostFfnNorm:
      return layer.post_norms;
    case Slot::kRouter:
      return layer.ffn.experts > 0;
    case Slot::kSharedGateUp:
    case Slot::kSharedDown:
      return layer.ffn.shared_hidden > 0;
    case Slot::kSharedGate:
      return layer.ffn.shared_hidden > 0 && layer.ffn.shared_gate;
    default:
      return true;
  }
}

SlotShape ExpectedShape(Slot slot, const ModelSpec& spec, const LayerSpec& layer) {
  const AttnSpec& attn = layer.attn;
  const FfnSpec& ffn = layer.ffn;
  const int experts = ffn.experts > 0 ? ffn.experts : 1;
  const int64_t query = attn.QueryWidth();
  const int64_t key = int64_t{attn.kv_heads} * attn.head_dim;
  switch (slot) {
    case Slot::kEmbed:
    case Slot::kHead:
      return {{spec.vocab}, 1, spec.dim};
    case Slot::kPositions:
      return {{spec.position_rows}, 1, spec.dim};
    case Slot::kEmbedNorm:
    case Slot::kFinalNorm:
    case Slot::kAttnNorm:
    case Slot::kPostAttnNorm:
    case Slot::kFfnNorm:
    case Slot::kPostFfnNorm:
      return {{1}, 1, spec.dim};
    case Slot::kQNorm:
      return {{1}, 1, QkNormSize(attn, attn.heads)};
    case Slot::kKNorm:
      return {{1}, 1, QkNormSize(attn, attn.kv_heads)};
    case Slot::kQkv:
      return {{query, key, key}, 3, spec.dim};
    case Slot::kAttnOut:
      return {{spec.dim}, 1, query};
    case Slot::kRouter:
      return {{ffn.experts}, 1, spec.dim};
    case Slot::kGateUp:
      return GateUpShape(spec, ffn.hidden, ffn.gated, experts);
    case Slot::kDown:
      return {{spec.dim}, 1, ffn.hidden, experts};
    case Slot::kSharedGateUp:
      return GateUpShape(spec, ffn.shared_hidden, ffn.gated, 1);
    case Slot::kSharedDown:
      return {{spec.dim}, 1, ffn.shared_hidden};
    case Slot::kSharedGate:
      return {{1}, 1, spec.dim};
    case Slot::kCount:
      break;
  }
  CHECK(false, "slot {}", static_cast<int>(slot));
}

bool IsGated(Slot slot, const LayerSpec& layer) {
  return layer.ffn.gated && (slot == Slot::kGateUp || slot == Slot::kSharedGateUp);
}

}  // namespace spate
