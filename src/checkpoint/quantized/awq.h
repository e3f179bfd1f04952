// Linear layers as AutoAWQ stores them, version "gemm" (github.com/casper-hansen/AutoAWQ): 4 bits, eight values of
// neighbouring outputs in a word, in the order 0 2 4 6 1 3 5 7 from the lowest bits.
//   qweight [in, out / 8] i32, qzeros [groups, out / 8] i32, scales [groups, out]
//   w[o, i] = scales[i / group_size, o] * (q[i, o] - zero[i / group_size, o])
#pragma once

#include <memory>

#include "checkpoint/quantized/quantization_config.h"
#include "checkpoint/quantized/quantized_layer.h"

namespace spate {

// Throws Error(kBadInput) for tensors that do not fit each other.
std::unique_ptr<QuantizedLayer> OpenAwqLayer(const LayerTensors& tensors, const QuantizationConfig& config);

}  // namespace spate
