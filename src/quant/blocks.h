// GGUF's block formats, one block at a time: their definition in plain code. A block is some elements that share
// scales; its bytes need no alignment, and numbers of several bytes are little endian. Any bytes are a block: a scale
// that is infinite or NaN gives such values and nothing worse.
//
// Every product below is exact in f32: an f16 scale has 11 significant bits, a block's own scale at most 7, a level at
// most 6 (the -128 and -32 of Q6_K are powers of two). So only the subtraction of a minimum rounds, and a fused
// multiply-add gives the same bits.
#pragma once

#include <cstdint>

namespace spate {

// blocks_32.cc: 32 elements.
void UnpackQ40(const uint8_t* block, float* out);
void UnpackQ41(const uint8_t* block, float* out);
void UnpackQ50(const uint8_t* block, float* out);
void UnpackQ51(const uint8_t* block, float* out);
void UnpackQ80(const uint8_t* block, float* out);
// The nearest level of the scale that the largest magnitude of the block chooses. A block with a value
// that is not finite has no finite value then.
void PackQ40(const float* values, uint8_t* block);
void PackQ80(const float* values, uint8_t* block);

// k_quants.cc: 256 elements in sub-blocks, whose own scales are integers.
void UnpackQ2K(const uint8_t* block, float* out);
void UnpackQ3K(const uint8_t* block, float* out);
void UnpackQ4K(const uint8_t* block, float* out);
void UnpackQ5K(const uint8_t* block, float* out);
void UnpackQ6K(const uint8_t* block, float* out);

// iq4.cc: 32 and 256 elements, levels from a table.
void UnpackIQ4Nl(const uint8_t* block, float* out);
void UnpackIQ4Xs(const uint8_t* block, float* out);

}  // namespace spate
