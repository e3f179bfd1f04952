// Slot: the closed set of weights a decoder can own. Architectures map checkpoint names to slots
// (TensorRule); whether a slot must be there follows from the ModelSpec, so rules carry no "optional".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "model/spec.h"

namespace spate {

enum class Slot : uint8_t {
  kEmbed,
  kFinalNorm,
  kHead,
  kAttnNorm,
  kQkv,
  kAttnOut,
  kFfnNorm,
  kGateUp,
  kDown,
  kCount,
};

struct SlotTraits {
  std::string_view name;
  bool per_layer;
  bool matrix;  // a Linear; false = norm vector
};

inline constexpr std::array<SlotTraits, static_cast<size_t>(Slot::kCount)> kSlotTraits{{
    {"embed", false, true},
    {"final_norm", false, false},
    {"head", false, true},
    {"attn_norm", true, false},
    {"qkv", true, true},
    {"attn_out", true, true},
    {"ffn_norm", true, false},
    {"gate_up", true, true},
    {"down", true, true},
}};

constexpr const SlotTraits& Traits(Slot slot) { return kSlotTraits[static_cast<size_t>(slot)]; }

// One line of an architecture's tensor table: "<source>.weight", and "<source>.bias" if present. "{l}" is the
// layer. Sources are stacked by rows in the order listed, which is the canonical one (q|k|v, gate|up).
struct TensorRule {
  Slot slot;
  std::array<std::string_view, 3> sources{};
};

// What the spec says a slot's sources must be: rows of each, in the order of the rule, and columns.
// A norm vector has one source with rows = 1.
struct SlotShape {
  std::array<int64_t, 3> rows{};
  int parts = 0;
  int64_t cols = 0;
};
SlotShape ExpectedShape(Slot slot, const ModelSpec& spec, const LayerSpec& layer);

}  // namespace spate
