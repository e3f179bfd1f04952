// Linear layers as compressed-tensors stores them (github.com/vllm-project/compressed-tensors):
//   packed  weight_packed [out, in * bits / 32] i32, the lowest bits first, each value plus 2^(bits - 1);
//           weight_zero_point likewise, packed along `out`; weight_shape [2]; weight_g_idx [in] with act-order
//   plain   weight [out, in] i8 or f8_e4m3; weight_zero_point [out, groups] i8
// weight_scale is [out, groups], [out, 1] or [1]:   w[o, i] = scale[o, g] * (q[o, i] - zero[o, g])
// How activations were meant to be quantized (input_scale, W8A8) changes no weight and is left to the backend.
#pragma once

#include <memory>

#include "checkpoint/quantized/quantized_layer.h"

namespace spate {

// `packed` says which of the two. Throws Error(kBadInput) for tensors that do not fit each other.
std::unique_ptr<QuantizedLayer> OpenCompressedLayer(const LayerTensors& tensors, bool packed);

}  // namespace spate
