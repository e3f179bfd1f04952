// Linear layers as AutoGPTQ and GPTQModel store them (github.com/ModelCloud/GPTQModel), with or without act-order:
//   qweight [in * bits / 32, out] i32   values packed along `in`, the lowest bits first
//   qzeros  [groups, out * bits / 32]   zero points packed along `out`, less one in the first format
//   scales  [groups, out]               w[o, i] = scales[g, o] * (q[i, o] - zero[g, o]), g = g_idx[i]
#pragma once

#include <memory>

#include "checkpoint/quantized/quantization_config.h"
#include "checkpoint/quantized/quantized_layer.h"

namespace spate {

// Throws Error(kBadInput) for tensors that do not fit each other.
std::unique_ptr<QuantizedLayer> OpenGptqLayer(const LayerTensors& tensors, const QuantizationConfig& config);

}  // namespace spate
