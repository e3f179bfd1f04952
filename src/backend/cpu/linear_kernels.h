// Matrix kernels of one instruction set level: multiply packed weight tiles with activations, then finish
// (bias, residual, gate). Plain function pointers; filled by kernels/linear.cc once per level.
//
// Packed weights are row tiles of 16 output rows, padded with zero rows; four tiles (the last time what is left) make
// a group, whose tiles take turns step by step, so that a thread reads memory as one ascending stream:
//   f32   [group][k][tile][16]            f16  [group][k][tile][16]
//   bf16  [group][k / 2][tile][16][2]     pairs of k per row, k padded to even: one 64-byte load feeds vdpbf16ps
//   block formats (quant/blocks.h)
//         [group][block][tile][unit]      a unit is a block of each row in the order of block_units.h
// Blocks are multiplied with activations in int8: a group of 32 k is summed in int32, scaled and added to f32.
// Lanes are outputs: no horizontal sums. Every kernel keeps one accumulator per output and adds k in ascending
// order, so a row of the result has the same bits whichever tile shape computed it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/op_params.h"
#include "quant/dtype.h"

namespace spate::cpu {

inline constexpr int kTileRows = 16;      // outputs of a packed tile: lanes of a vector
inline constexpr int kMaxTiles = 4;       // tiles of a group, and the most of one Multiply
inline constexpr int kMaxTileTokens = 6;  // tokens of one Multiply
inline constexpr size_t kActs = 5;
static_assert(static_cast<size_t>(Act::kReluSquared) + 1 == kActs);
// From this many tokens on a step of Multiply computes longer than it reads.
inline constexpr int kPrefetchTokens = 4;

// acc[token * acc_stride + tile * 16 + lane] (+)= sum over k of w * x.
struct MultiplyArgs {
  const std::byte* w;   // first tile at this block's first k; the others follow it
  int64_t step_bytes;   // from step to step: of all tiles of the group
  const std::byte* x;   // first token at this block's first k, in LinearKernels::Format::activation
  int64_t token_bytes;  // from token to token
  int64_t steps;        // k of this block; pairs of k for bf16
  float* acc;           // first token's first tile
  int64_t acc_stride;   // floats from token to token
  bool first;           // the block starts at k = 0: accumulators start at zero instead of acc
  // Weights wanted soon: some lines, evenly apart, of each stretch of prefetch_stride bytes are fetched per step. Need
  // not be a valid address.
  const std::byte* prefetch;
  int64_t prefetch_stride;  // 0 = nothing to prefetch
};
using MultiplyFn = void (*)(const MultiplyArgs& args);

// out[token][...] = epilogue(acc + bias).
struct FinishArgs {
  const float* acc;  // [tokens][acc_stride]
  int64_t acc_stride;
  const float* bias;  // [tiles * 16] in packed order, or null
  int tokens;
  int tiles;
  float* out;          // first token's first output
  int64_t out_stride;  // elements from token to token
  int outputs;         // that exist from `out` on: the rest of the tiles is padding
  float scale = 1;     // of `store` and `add`
};
using FinishFn = void (*)(const FinishArgs& args);

// A row of activations in int8 (quant/int8_group.h): a cache line for each group of 32. Behind its levels f32 numbers:
// the scale, scale * sum of the levels, and for each zero point of a weight format 1.5 * 2^23 + zero * sum of levels,
// of the group for 8 and 128, of its halves for 32 (kernels/blocks.cc tells why).
struct Int8Layout {
  static constexpr int kScale = 32;
  static constexpr int kScaledSum = 36;
  static constexpr int kZero8 = 40;
  static constexpr int kZero128 = 44;
  static constexpr int kZero32 = 48;  // [2]
  static constexpr int kGroupBytes = 64;

  static constexpr int32_t kFloatZero = 3 << 22;  // 1.5 * 2^23
};

// A group of a unit as the kernels multiply it: 8 vectors of 4 k, [16][4] bytes each, the f32 scales [16] of its one or
// two parts, the f32 offsets [16] where the format has such.
inline constexpr int64_t kUnpackedScales = 512;
inline constexpr int64_t kUnpackedOffset = 640;
inline constexpr int64_t kUnpackedBytes = 704;
struct UnpackArgs {
  const std::byte* unit;
  int group;  // of the block
  std::byte* out;
};
using UnpackFn = void (*)(const UnpackArgs& args);

// acc[token * acc_stride + tile * 16 + lane] (+)= sum over k of w * x, for consecutive groups that were unpacked.
struct UnpackedArgs {
  const std::byte* w;  // the first tile's first group; a tile's groups follow each other
  int64_t tile_bytes;  // from tile to tile
  int64_t groups;
  int tiles;
  const std::byte* x;   // first token's first group
  int64_t token_bytes;  // from token to token
  float* acc;
  int64_t acc_stride;  // floats from token to token
  bool first;          // accumulators start at zero
};
using MultiplyUnpackedFn = void (*)(const UnpackedArgs& args);

// acc[token * acc_stride + tile * 16 + lane] = sum over k of w * x, for all tiles of a group of units.
struct BlockArgs {
  const std::byte* w;  // the group's first unit
  int64_t step_bytes;  // from block to block: of all tiles of the group
  int64_t blocks;
  int tiles;
  const std::byte* x;
  int64_t token_bytes;  // from token to token
  float* acc;
  int64_t acc_stride;  // floats from token to token
};
using MultiplyBlocksFn = void (*)(const BlockArgs& args);

struct LinearKernels {
  // Activations as the kernels of a weight format read them.
  enum class Activation : uint8_t {
    kF32,        // as they are: no conversion
    kBF16,       // bf16, k padded with a zero to even
    kF32OfBF16,  // f32 that was rounded to bf16, k padded with a zero to even
    kInt8        // Int8Layout
  };
  struct Format {
    Activation activation = Activation::kF32;
    int one_pass_tokens = 0;  // up to so many: all tokens at once with whole groups, straight from memory
    int gemm_tiles = 1;       // many tokens: the best shape, or fewer of either; of blocks the tokens alone
    int gemm_tokens = 1;
    // [tiles - 1][tokens - 1]; null where the level has too few registers for the shape.
    MultiplyFn multiply[kMaxTiles][kMaxTileTokens] = {};
    // Block formats: up to one_pass_tokens tokens straight from the units [tokens - 1]; for more, what unpacks a group,
    // and up to gemm_tokens tokens [tokens - 1] with what it made.
    MultiplyBlocksFn multiply_blocks[kMaxTileTokens] = {};
    UnpackFn unpack = nullptr;
    MultiplyUnpackedFn multiply_unpacked[kMaxTileTokens] = {};
  };
  Format f32, f16, bf16;
  Format q4_0, q8_0, q4_k, q5_k, q6_k;

  // One row of activations to a format's representation. `out` holds k rounded up to even.
  void (*to_bf16)(const float* x, int64_t k, uint16_t* out) = nullptr;
  void (*round_to_bf16)(const float* x, int64_t k, float* out) = nullptr;
  void (*to_int8)(const float* x, int64_t k, std::byte* out) = nullptr;  // k a multiple of 32

  FinishFn store = nullptr;   // out = scale * y
  FinishFn add = nullptr;     // out += scale * y
  FinishFn act[kActs] = {};   // [Act] out = act(y)
  FinishFn gate[kActs] = {};  // [Act] tiles are gate, up, gate, up, ...: out = act(gate) * up

  // Packing: out[i * stride + r] = rows[r][i] for i < count; rows need no alignment, `out` and the
  // stride are multiples of 64 bytes for u32. What is stored is visible to whoever synchronizes with the caller.
  void (*interleave_u32)(const std::byte* const* rows, int64_t count, uint32_t* out, int64_t stride) = nullptr;
  void (*interleave_u16)(const std::byte* const* rows, int64_t count, uint16_t* out, int64_t stride) = nullptr;
  void (*f32_to_bf16)(const std::byte* source, int64_t count, uint16_t* out) = nullptr;  // unaligned source, RNE
};

}  // namespace spate::cpu
