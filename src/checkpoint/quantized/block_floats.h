// Linear layers of 8-bit floats with a scale for each block of the matrix, as DeepSeek-V3 and Qwen3-FP8 are published:
//   weight [out, in] f8_e4m3, weight_scale_inv [ceil(out / block_rows), ceil(in / block_cols)]
//   w[o, i] = weight[o, i] * weight_scale_inv[o / block_rows, i / block_cols]
// Without a block size weight_scale is one number or one a row (compressed_tensors.h).
#pragma once

#include <memory>

#include "checkpoint/quantized/quantization_config.h"
#include "checkpoint/quantized/quantized_layer.h"

namespace spate {

// Throws Error(kBadInput) for tensors that do not fit each other.
std::unique_ptr<QuantizedLayer> OpenBlockFloatLayer(const LayerTensors& tensors, const QuantizationConfig& config);

}  // namespace spate
