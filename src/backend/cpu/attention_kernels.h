// Attention kernels of one instruction set level: plain function pointers, filled by kernels/attention.cc once per
// level. They know one key/value head; threads, tiles and the order of parts are cpu_attend.cc's.
//
// A block of the cache holds kKvBlockTokens keys and values of each key/value head, laid out so that lanes are keys for
// the scores and dimensions for the mixed values (no horizontal sums):
//   bf16   K [head_dim / 2][16 keys][2]   V [8 pairs of keys][head_dim up to 16 n][2]
//   f32    K [head_dim / 2][2][16 keys]   V [16 keys][head_dim up to 16 n]
// with head_dim rounded up to even in K; what is added is zero.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/op_params.h"

namespace spate::cpu {

inline constexpr int kKvDims = 16;    // value dimensions are padded to a multiple of this
inline constexpr int kQueryRows = 8;  // rows of a packed group of queries
inline constexpr int kPartBlocks = kAttentionPart / kKvBlockTokens;

[[maybe_unused]] static constexpr int PaddedDims(int head_dim) { return (head_dim + kKvDims - 1) / kKvDims * kKvDims; }
[[maybe_unused]] static constexpr int KeyDims(int head_dim) { return (head_dim + 1) / 2 * 2; }

// Softmax so far of some rows. A row is one query head of one token.
struct AttentionState {
  float* mixed;  // [rows, PaddedDims]  sum of 2^(score - max) * value
  float* max;    // [rows]              -infinity where no key was seen
  float* sum;    // [rows]              sum of 2^(score - max), 0 where no key was seen: else at least 1
};

// One part (at most kAttentionPart consecutive positions) for the rows of one tile.
struct AttentionPart {
  const float* queries;  // [rows / kQueryRows][KeyDims][kQueryRows]: rotated, times scale * log2(e)
  int rows;              // queries * sharing; the rows of a query lie together
  int sharing;           // query heads that read this key/value head
  int head_dim;
  int begin;  // first key of this part that the first query sees, or any number below 0; each next one begins one later
  int keys;   // end of what the first query sees; each next one sees one more
  const int32_t* blocks;  // block numbers of this part
  const std::byte* k;     // keys and values of this layer and head in block 0
  const std::byte* v;
  int64_t block_bytes;   // from block to block
  float softcap;         // of the scores, which count in powers of two as the queries do; 0 = off
  const float* slopes;   // [sharing] added per position, in powers of two; null = none
  int distance;          // position of the part's first key minus that of the first query
  float* scores;         // [kQueryRows][kAttentionPart]: scratch
  AttentionState state;  // out: of this part alone
};

struct AttentionKernels {
  struct Format {
    void (*part)(const AttentionPart& args) = nullptr;
    // Puts one token's key and value at position `offset` of their block.        key, value [head_dim]
    void (*write)(const float* key, const float* value, int head_dim, int offset, std::byte* k, std::byte* v) = nullptr;
  };
  Format f32, bf16;

  // Row `row` of the packed queries: rotated values times `scale`.               query [head_dim]
  void (*pack_query)(const float* query, int head_dim, float scale, int row, float* queries) = nullptr;
  // state = state merged with the part that follows it. Where one of them saw no key the other is left bit by bit.
  void (*merge)(const AttentionState& part, int rows, int head_dim, const AttentionState& state) = nullptr;
  // out = mixed / sum of one row.                                                out [head_dim]
  void (*finish)(const AttentionState& state, int row, int head_dim, float* out) = nullptr;
};

}  // namespace spate::cpu
