#include "model/spec.h"

#include "model/slot.h"

namespace spate {
namespace {

constexpr Slot kMatrices[] = {Slot::kQkv,  Slot::kAttnOut,      Slot::kRouter,     Slot::kGateUp,
                              Slot::kDown, Slot::kSharedGateUp, Slot::kSharedDown, Slot::kSharedGate};

// Elements of a layer's matrices, with `experts` of a mixture.
int64_t Elements(const ModelSpec& spec, const LayerSpec& layer, int experts) {
  int64_t count = 0;
  for (const Slot slot : kMatrices) {
    if (!Needs(slot, spec, layer)) continue;
    const SlotShape shape = ExpectedShape(slot, spec, layer);
    count += shape.experts > 1 ? shape.Elements() / shape.experts * experts : shape.Elements();
  }
  return count;
}

}  // namespace

int64_t ModelSpec::LayerParameters() const {
  int64_t count = 0;
  for (const LayerSpec& l : layers) count += Elements(*this, l, l.ffn.experts);
  return count;
}

int64_t ModelSpec::ActiveLayerParameters() const {
  int64_t count = 0;
  for (const LayerSpec& l : layers) count += Elements(*this, l, l.ffn.active);
  return count;
}

int64_t ModelSpec::Parameters() const {
  int64_t count = LayerParameters();
  for (size_t s = 0; s < static_cast<size_t>(Slot::kCount); ++s) {
    const Slot slot = static_cast<Slot>(s);
    const bool vector = !Traits(slot).matrix;
    if (vector && !norm_weights) continue;
    if (!Traits(slot).per_layer) {
      if (Needs(slot, *this, {})) count += ExpectedShape(slot, *this, {}).Elements();
    } else if (vector) {
      for (const LayerSpec& l : layers) {
        if (Needs(slot, *this, l)) count += ExpectedShape(slot, *this, l).Elements();
      }
    }
  }
  return count;
}

KvLayout MakeKvLayout(const ModelSpec& spec, DType kv_dtype) {
  KvLayout layout;
  layout.dtype = kv_dtype;
  for (const LayerSpec& l : spec.layers) {
    layout.layers.push_back({.group = 0, .kv_heads = l.attn.kv_heads, .head_dim = l.attn.head_dim});
  }
  return layout;
}

}  // namespace spate
