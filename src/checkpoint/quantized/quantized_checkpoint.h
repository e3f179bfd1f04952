// A Hugging Face checkpoint with quantized linear layers, seen as the checkpoint that it stands for: each layer's
// tensors become one "<layer>.weight" of f32 rows, computed when they are read; all others are as they are.
#pragma once

#include <memory>

#include "checkpoint/checkpoint.h"
#include "checkpoint/quantized/quantization_config.h"

namespace spate {

// Throws Error(kBadInput) where a layer's tensors do not fit each other.
std::unique_ptr<Checkpoint> OpenQuantized(std::unique_ptr<Checkpoint> files, const QuantizationConfig& config);

}  // namespace spate
