// The order in which a model's weights are made, whoever makes them: `maker` has Matrix(slot, layer) -> Linear,
// Vector(slot, layer) -> Vec and Rows(slot) -> Table, and is asked for what the spec needs.
#pragma once

#include "backend/device.h"
#include "model/slot.h"
#include "model/weights.h"

namespace spate {

template <typename Maker>
Weights BuildWeights(const ModelSpec& spec, Device& device, Maker& maker) {
  const auto matrix = [&](Slot slot, int l) {
    return Needs(slot, spec, spec.layers[static_cast<size_t>(l)]) ? maker.Matrix(slot, l) : nullptr;
  };
  const auto vector = [&](Slot slot, int l) {
    return Needs(slot, spec, spec.layers[static_cast<size_t>(l)]) ? maker.Vector(slot, l) : nullptr;
  };
  Weights weights;
  if (spec.tied_head) {
    weights.head = maker.Matrix(Slot::kEmbed, -1);
    weights.embed = device.TableOf(*weights.head);
  } else {
    weights.embed = maker.Rows(Slot::kEmbed);
  }
  if (Needs(Slot::kPositions, spec, {})) weights.positions = maker.Rows(Slot::kPositions);
  if (Needs(Slot::kEmbedNorm, spec, {})) weights.embed_norm = maker.Vector(Slot::kEmbedNorm, -1);
  for (int l = 0; l < spec.Layers(); ++l) {
    LayerWeights& w = weights.layers.emplace_back();
    w.attn_norm = vector(Slot::kAttnNorm, l);
    w.qkv = matrix(Slot::kQkv, l);
    w.q_norm = vector(Slot::kQNorm, l);
    w.k_norm = vector(Slot::kKNorm, l);
    w.attn_out = matrix(Slot::kAttnOut, l);
    w.post_attn_norm = vector(Slot::kPostAttnNorm, l);
    w.ffn_norm = vector(Slot::kFfnNorm, l);
    w.router = matrix(Slot::kRouter, l);
    w.gate_up = matrix(Slot::kGateUp, l);
    w.down = matrix(Slot::kDown, l);
    w.shared_gate_up = matrix(Slot::kSharedGateUp, l);
    w.shared_down = matrix(Slot::kSharedDown, l);
    w.shared_gate = matrix(Slot::kSharedGate, l);
    w.post_ffn_norm = vector(Slot::kPostFfnNorm, l);
  }
  weights.final_norm = maker.Vector(Slot::kFinalNorm, -1);
  if (!spec.tied_head) weights.head = maker.Matrix(Slot::kHead, -1);
  return weights;
}

}  // namespace spate
