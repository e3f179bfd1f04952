// Units of packed block formats (linear_kernels.h): the blocks of 16 rows, byte by byte side by side, but for the f16
// numbers, which stay whole.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/cpu/linear_kernels.h"
#include "quant/dtype.h"

namespace spate::cpu {

inline constexpr int kMaxBlockBytes = 256;

// `blocks` consecutive blocks of 16 rows to as many units, `step_bytes` apart.
void InterleaveBlocks(DType format, const std::byte* const* rows, int64_t blocks, std::byte* out, int64_t step_bytes);

// The block of row `lane` out of a unit.                                                      block [kMaxBlockBytes]
void TakeBlock(DType format, const std::byte* unit, int lane, std::byte* block);

}  // namespace spate::cpu
