// Units of packed block formats: the blocks of 16 rows side by side, so that a lane of a vector is a row. The same bits
// as in the file, in this order, everything for lanes 0 ... 15 in turn:
//   q4_0  f16 d; 4 vectors of nibbles
//   q8_0  f16 d; 8 vectors of int8
//   q4_k  f16 d; f16 dmin; the 12 scale bytes as 3 vectors of 4; 8 groups of 4 vectors of nibbles
//   q5_k  the same, each group with a vector of fifth bits behind its nibbles
//   q6_k  f16 d; the 16 scales as 4 vectors of 4; 8 groups of 4 vectors of nibbles and 2 of top bits
// A vector is [16][4] bytes. Those of a group of 32 k: byte j of int8 vector v is k = 4 v + j; of nibble vector v the
// low ones are k = 8 v + j, the high ones k = 8 v + 4 + j; bit v of a fifth-bit byte j belongs to k = 4 v + j; bits 2 i
// and 2 i + 1 of byte j of top-bit vector u to k = 16 u + 4 i + j.
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
