// Slot: the closed set of weights a decoder can own, and what the ModelSpec says of each. Whether a slot must be
// there follows from the spec alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "model/spec.h"

namespace spate {

enum class Slot : uint8_t {
  kEmbed,
  kPositions,
  kEmbedNorm,
  kFinalNorm,
  kHead,
  kAttnNorm,
  kQkv,
  kQNorm,
  kKNorm,
  kAttnOut,
  kPostAttnNorm,
  kFfnNorm,
  kRouter,
  kGateUp,
  kDown,
  kSharedGateUp,
  kSharedDown,
  kSharedGate,
  kPostFfnNorm,
  kCount,
};

struct SlotTraits {
  std::string_view name;
  bool per_layer;
  bool matrix;  // a Linear or a Table; false = norm vector
};

inline constexpr std::array<SlotTraits, static_cast<size_t>(Slot::kCount)> kSlotTraits{{
    {"embed", false, true},
    {"positions", false, true},
    {"embed_norm", false, false},
    {"final_norm", false, false},
    {"head", false, true},
    {"attn_norm", true, false},
    {"qkv", true, true},
    {"q_norm", true, false},
    {"k_norm", true, false},
    {"attn_out", true, true},
    {"post_attn_norm", true, false},
    {"ffn_norm", true, false},
    {"router", true, true},
    {"gate_up", true, true},
    {"down", true, true},
    {"shared_gate_up", true, true},
    {"shared_down", true, true},
    {"shared_gate", true, true},
    {"post_ffn_norm", true, false},
}};

constexpr const SlotTraits& Traits(Slot slot) { return kSlotTraits[static_cast<size_t>(slot)]; }

// Whether a model of `spec` has `slot`, in `layer` if it is per layer. A tied head has no slot of its own.
bool Needs(Slot slot, const ModelSpec& spec, const LayerSpec& layer);

// What the spec says a slot consists of, in canonical order (q|k|v, gate|up): rows of each part, and columns. A norm
// vector has one part of one row. With experts, so many stacks of the same parts.
struct SlotShape {
  std::array<int64_t, 3> rows{};
  int parts = 0;
  int64_t cols = 0;
  int experts = 1;

  int64_t Rows() const { return rows[0] + rows[1] + rows[2]; }  // of one expert
  int64_t Elements() const { return experts * Rows() * cols; }
};
SlotShape ExpectedShape(Slot slot, const ModelSpec& spec, const LayerSpec& layer);

// Whether PackLinear makes pairs of gate and up rows of it.
bool IsGated(Slot slot, const LayerSpec& layer);

}  // namespace spate
