// Attention over one part of a sequence's positions, for the query heads that share a key/value head.
//
// Scores: lanes are the 16 keys of a block, queries are broadcast. Values: lanes are dimensions, weights are broadcast.
// Every score and every mixed value has one accumulator that takes dimensions or keys in ascending order, and a row
// reads exactly the keys that it sees, so its bits do not depend on the rows that were computed with it.
#include "backend/cpu/attention_kernels.h"

#include "backend/cpu/kernels/activations.h"
#include "backend/cpu/kernels/fill.h"
#include "backend/cpu/kernels/vec.h"
#include "base/half.h"

namespace spate::cpu::SPATE_ISA_NS {
namespace {

// Tile shapes: accumulators, one broadcast and the operands must fit the registers (32 of one lane group, 16 of two
// per Vf, 16 of four).
#if defined(__AVX512F__)
constexpr int kScoreRows = 8;  // rows of a score tile with kScoreBlocks blocks; half of them take twice the blocks
constexpr int kScoreBlocks = 2;
constexpr int kMixRows = 4;
constexpr int kMixVectors = 4;
#elif defined(__AVX2__)
constexpr int kScoreRows = 4;
constexpr int kScoreBlocks = 1;
constexpr int kMixRows = 4;
constexpr int kMixVectors = 1;
#else
constexpr int kScoreRows = 2;
constexpr int kScoreBlocks = 1;
constexpr int kMixRows = 2;
constexpr int kMixVectors = 1;
#endif

constexpr float kInfinity = __builtin_inff();

// How a format keeps pairs: two dimensions of 16 keys, or two keys of 16 dimensions.
struct F32 {
  static constexpr int kPairBytes = 128;  // of 16 keys
  SPATE_INLINE Two LoadKeys(const std::byte* k, int pair) {
    const float* p = reinterpret_cast<const float*>(k) + pair * 32;
    return {Load(p), Load(p + 16)};
  }
  SPATE_INLINE Two LoadValues(const std::byte* v, int pair, int dims, int d) {
    const float* p = reinterpret_cast<const float*>(v) + pair * 2 * dims + d;
    return {Load(p), Load(p + dims)};
  }
};

struct BF16 {
  static constexpr int kPairBytes = 64;
  SPATE_INLINE Two LoadKeys(const std::byte* k, int pair) { return LoadBf16Pairs(k + pair * 64); }
  SPATE_INLINE Two LoadValues(const std::byte* v, int pair, int dims, int d) {
    return LoadBf16Pairs(v + (pair * dims + d) * 4);
  }
};

int Minimum(int a, int b) { return a < b ? a : b; }

// The keys [begin, end) of the part that each row of a group sees. Both grow with the row.
struct KeysOfRows {
  int begin[kQueryRows];
  int end[kQueryRows];
};

// Of rows [first, first + rows) of the tile.
KeysOfRows FindKeys(const AttentionPart& args, int first, int rows) {
  KeysOfRows keys;
  int query = first / args.sharing;
  int head = first % args.sharing;
  for (int r = 0; r < rows; ++r) {
    const int begin = Minimum(kAttentionPart, args.begin + query);
    keys.begin[r] = begin < 0 ? 0 : begin;
    keys.end[r] = Minimum(kAttentionPart, args.keys + query);
    if (++head < args.sharing) continue;
    head = 0;
    ++query;
  }
  return keys;
}

// scores[r][block * 16 ...] of kRows rows and kBlocks blocks.
template <class Format, int kRows, int kBlocks>
void ScoreTile(const AttentionPart& args, const float* queries, int block, int blocks, float* scores) {
  const std::byte* k[kBlocks];
  const std::byte* next[kBlocks];    // keys that come next
  const std::byte* values[kBlocks];  // and values that follow the scores: blocks lie pages apart, which the hardware
                                     // does not foresee
  for (int b = 0; b < kBlocks; ++b) {
    k[b] = args.k + args.blocks[block + b] * args.block_bytes;
    values[b] = args.v + args.blocks[block + b] * args.block_bytes;
    next[b] = block + kBlocks + b < blocks ? args.k + args.blocks[block + kBlocks + b] * args.block_bytes : k[b];
  }
  const bool read_once = args.rows <= kQueryRows;
  Vf acc[kRows][kBlocks];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int b = 0; b < kBlocks; ++b) acc[r][b] = Zero();
  }
  const int pairs = KeyDims(args.head_dim) / 2;
  for (int pair = 0; pair < pairs; ++pair) {
    Two keys[kBlocks];
#pragma GCC unroll 8
    for (int b = 0; b < kBlocks; ++b) keys[b] = Format::LoadKeys(k[b], pair);
    if (read_once) {
      for (int b = 0; b < kBlocks; ++b) {
        for (int i = 0; i < Format::kPairBytes; i += 64) {
          __builtin_prefetch(next[b] + pair * Format::kPairBytes + i);
          __builtin_prefetch(values[b] + pair * Format::kPairBytes + i, 0, 2);
        }
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const Vf first = Set(queries[r]);
#pragma GCC unroll 8
      for (int b = 0; b < kBlocks; ++b) acc[r][b] = Fma(first, keys[b].first, acc[r][b]);
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const Vf second = Set(queries[kQueryRows + r]);
#pragma GCC unroll 8
      for (int b = 0; b < kBlocks; ++b) acc[r][b] = Fma(second, keys[b].second, acc[r][b]);
    }
    queries += 2 * kQueryRows;
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int b = 0; b < kBlocks; ++b) Store(scores + r * kAttentionPart + (block + b) * kKvBlockTokens, acc[r][b]);
  }
}

template <class Format, int kRows>
void ScoreRows(const AttentionPart& args, const float* queries, int block, int blocks, float* scores) {
  constexpr int kBlocks = 2 * kRows <= kScoreRows ? 2 * kScoreBlocks : kScoreBlocks;
  for (; block + kBlocks <= blocks; block += kBlocks)
    ScoreTile<Format, kRows, kBlocks>(args, queries, block, blocks, scores);
  for (; block < blocks; ++block) ScoreTile<Format, kRows, 1>(args, queries, block, blocks, scores);
}

// Rows [r, rows) of a group with blocks [block, blocks), kRows at once and the rest in tiles of half as many.
template <class Format, int kRows>
void Scores(const AttentionPart& args, const float* queries, int r, int rows, int block, int blocks) {
  for (; r + kRows <= rows; r += kRows) {
    ScoreRows<Format, kRows>(args, queries + r, block, blocks, args.scores + r * kAttentionPart);
  }
  if constexpr (kRows > 1) Scores<Format, kRows / 2>(args, queries, r, rows, block, blocks);
}

alignas(64) constexpr float kLaneNumbers[kLanes] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// Caps and biases the scores of row `row` of the tile for keys [begin, end), and whatever shares a vector with them.
void Adjust(const AttentionPart& args, int row, int begin, int end, float* scores) {
  const Vf cap = Set(args.softcap);
  const Vf inverse = Set(args.softcap > 0 ? 1 / args.softcap : 0);
  const Vf slope = Set(args.slopes != nullptr ? args.slopes[row % args.sharing] : 0);
  const int distance = args.distance - row / args.sharing;
  for (int i = begin / kLanes * kLanes; i < end; i += kLanes) {
    Vf score = Load(scores + i);
    if (args.softcap > 0) score = cap * Tanh(score * inverse);
    // Distances are exact in f32: a context has fewer than 2^24 positions.
    if (args.slopes != nullptr) {
      score = Fma(slope, Set(static_cast<float>(distance + i)) + Load(kLaneNumbers), score);
    }
    Store(scores + i, score);
  }
}

// At kLaneLimit + 32 - n: no limit for n lanes, -infinity for the others; at kLaneLimit + 16 - n the other way round.
alignas(64) constexpr float kLaneLimit[3 * kLanes] = {
    -kInfinity, -kInfinity, -kInfinity, -kInfinity, -kInfinity, -kInfinity, -kInfinity, -kInfinity,
    -kInfinity, -kInfinity, -kInfinity, -kInfinity, -kInfinity, -kInfinity, -kInfinity, -kInfinity,
    kInfinity,  kInfinity,  kInfinity,  kInfinity,  kInfinity,  kInfinity,  kInfinity,  kInfinity,
    kInfinity,  kInfinity,  kInfinity,  kInfinity,  kInfinity,  kInfinity,  kInfinity,  kInfinity,
    -kInfinity, -kInfinity, -kInfinity, -kInfinity, -kInfinity, -kInfinity, -kInfinity, -kInfinity,
    -kInfinity, -kInfinity, -kInfinity, -kInfinity, -kInfinity, -kInfinity, -kInfinity, -kInfinity};

// Min returns its second argument for NaN: whatever lies beside the keys goes, and a key's NaN becomes +infinity, which
// the subtraction of the maximum makes NaN again.
SPATE_INLINE void Limit(float* scores, const float* limits) { Store(scores, Min(Load(scores), Load(limits))); }

// Scores of one row to weights in place, for keys [begin, end); lanes beside them become 0.
void Softmax(float* scores, int begin, int end, float* max_out, float* sum_out) {
  if (begin >= end) {
    *max_out = -kInfinity;
    *sum_out = 0;
    return;
  }
  const int rest = end % kLanes;
  if (rest != 0) Limit(scores + end - rest, kLaneLimit + 2 * kLanes - rest);
  const int hidden = begin % kLanes;
  begin -= hidden;
  if (hidden != 0) Limit(scores + begin, kLaneLimit + kLanes - hidden);
  Vf max = Set(-kInfinity);
#pragma GCC unroll 1
  for (int i = begin; i < end; i += kLanes) max = Max(Load(scores + i), max);
  *max_out = ReduceMax(max);
  max = Set(*max_out);
  Vf sum = Zero();
#pragma GCC unroll 1
  for (int i = begin; i < end; i += kLanes) {
    const Vf weight = Exp2(Load(scores + i) - max);
    Store(scores + i, weight);
    sum = sum + weight;
  }
  *sum_out = ReduceAdd(sum);
}

// Keys whose values are mixed, and whether they are the first of their rows.
struct KeyRange {
  int begin, end;
  bool first;
};

// mixed[r][d ...] (+)= sum of weights[r][key] * value[key][d ...] over the keys of a range. A function of its own:
// merged into its callers it loses the registers of its accumulators (1.6 times slower on avx2).
template <class Format, int kRows, int kVectors>
__attribute__((noinline)) void MixTile(const AttentionPart& args, const float* weights, KeyRange keys, int dims, int d,
                                       float* mixed) {
  Vf acc[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int i = 0; i < kVectors; ++i) acc[r][i] = keys.first ? Zero() : Load(mixed + r * dims + d + i * kLanes);
  }
  const auto add = [&](const float* weight, const Vf(&values)[kVectors]) SPATE_LAMBDA {
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const Vf w = Set(weight[r * kAttentionPart]);
#pragma GCC unroll 8
      for (int i = 0; i < kVectors; ++i) acc[r][i] = Fma(w, values[i], acc[r][i]);
    }
  };
  for (int key = keys.begin; key < keys.end;) {
    const std::byte* v = args.v + args.blocks[key / kKvBlockTokens] * args.block_bytes;
    const int block_end = Minimum(keys.end, (key / kKvBlockTokens + 1) * kKvBlockTokens);
    while (key < block_end) {
      const int pair = key % kKvBlockTokens / 2;
      Vf first[kVectors];
      Vf second[kVectors];
#pragma GCC unroll 8
      for (int i = 0; i < kVectors; ++i) {
        const Two values = Format::LoadValues(v, pair, dims, d + i * kLanes);
        first[i] = values.first;
        second[i] = values.second;
      }
      // The other key of a pair that is cut may hold anything.
      const bool from_second = key % 2 != 0;
      const bool to_first = key + 1 == block_end && !from_second;
      if (!from_second) add(weights + key, first);
      if (!to_first) add(weights + (key | 1), second);
      key = (key | 1) + (to_first ? 0 : 1);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int i = 0; i < kVectors; ++i) Store(mixed + r * dims + d + i * kLanes, acc[r][i]);
  }
}

template <class Format, int kRows, int kVectors>
void MixVectors(const AttentionPart& args, const float* weights, KeyRange keys, int dims, int d, float* mixed) {
  for (; d + kVectors * kLanes <= dims; d += kVectors * kLanes) {
    MixTile<Format, kRows, kVectors>(args, weights, keys, dims, d, mixed);
  }
  if constexpr (kVectors > 1) MixVectors<Format, kRows, kVectors / 2>(args, weights, keys, dims, d, mixed);
}

// Rows [r, rows), kRows at once and the rest in tiles of half as many.
template <class Format, int kRows>
void MixRows(const AttentionPart& args, const float* weights, int r, int rows, KeyRange keys, int dims, float* mixed) {
  for (; r + kRows <= rows; r += kRows) {
    MixVectors<Format, kRows, kMixVectors>(args, weights + r * kAttentionPart, keys, dims, 0, mixed + r * dims);
  }
  if constexpr (kRows > 1) MixRows<Format, kRows / 2>(args, weights, r, rows, keys, dims, mixed);
}

// Rows [first, first + rows) of the tile; their weights begin at args.scores.
template <class Format>
void Mix(const AttentionPart& args, const KeysOfRows& keys, int first, int rows) {
  const int dims = PaddedDims(args.head_dim);
  for (int r = 0; r < rows; r += kMixRows) {
    const int count = Minimum(kMixRows, rows - r);
    const int* begin = keys.begin + r;
    const int* end = keys.end + r;
    const float* weights = args.scores + r * kAttentionPart;
    float* mixed = args.state.mixed + (first + r) * dims;
    const auto mix_row = [&](int i, KeyRange range) {
      MixRows<Format, 1>(args, weights + i * kAttentionPart, 0, 1, range, dims, mixed + i * dims);
    };
    // What all rows see. Where a window cuts, earlier queries see keys before that; later ones see more behind it.
    const int all_end = end[0];
    const int all_begin = Minimum(all_end, begin[count - 1]);
    const bool before = begin[0] < all_begin;
    if (before) {
      for (int i = 0; i < count; ++i) mix_row(i, {begin[i], begin[i] < all_begin ? all_begin : begin[i], true});
    }
    MixRows<Format, kMixRows>(args, weights, 0, count, {all_begin, all_end, !before}, dims, mixed);
    for (int i = 1; i < count; ++i) {
      if (end[i] != all_end) mix_row(i, {begin[i] < all_end ? all_end : begin[i], end[i], false});
    }
  }
}

template <class Format>
void Part(const AttentionPart& args) {
  const int key_dims = KeyDims(args.head_dim);
  const bool adjust = args.softcap > 0 || args.slopes != nullptr;
  for (int first = 0; first < args.rows; first += kQueryRows) {
    const int rows = Minimum(kQueryRows, args.rows - first);
    const KeysOfRows keys = FindKeys(args, first, rows);
    Scores<Format, kScoreRows>(args, args.queries + first * key_dims, 0, rows, keys.begin[0] / kKvBlockTokens,
                               (keys.end[rows - 1] + kKvBlockTokens - 1) / kKvBlockTokens);
    for (int r = 0; r < rows; ++r) {
      float* scores = args.scores + r * kAttentionPart;
      if (adjust) Adjust(args, first + r, keys.begin[r], keys.end[r], scores);
      Softmax(scores, keys.begin[r], keys.end[r], args.state.max + first + r, args.state.sum + first + r);
    }
    Mix<Format>(args, keys, first, rows);
  }
}

void WriteF32(const float* key, const float* value, int head_dim, int offset, std::byte* k, std::byte* v) {
  float* keys = reinterpret_cast<float*>(k) + offset;
  for (int d = 0; d < head_dim; ++d) keys[d * kKvBlockTokens] = key[d];
  std::memcpy(reinterpret_cast<float*>(v) + offset * PaddedDims(head_dim), value,
              static_cast<size_t>(head_dim) * sizeof(float));
}

void WriteBf16(const float* key, const float* value, int head_dim, int offset, std::byte* k, std::byte* v) {
  uint16_t* keys = reinterpret_cast<uint16_t*>(k) + 2 * offset;
  for (int d = 0; d < head_dim; ++d) keys[d / 2 * 2 * kKvBlockTokens + d % 2] = ToBf16(key[d]).bits;
  uint16_t* values = reinterpret_cast<uint16_t*>(v) + offset / 2 * 2 * PaddedDims(head_dim) + offset % 2;
  for (int d = 0; d < head_dim; ++d) values[2 * d] = ToBf16(value[d]).bits;
}

void PackQuery(const float* query, int head_dim, float scale, int row, float* queries) {
  float* out = queries + row / kQueryRows * kQueryRows * KeyDims(head_dim) + row % kQueryRows;
  for (int d = 0; d < head_dim; ++d) out[d * kQueryRows] = query[d] * scale;
  if (head_dim % 2 != 0) out[head_dim * kQueryRows] = 0;
}

void Merge(const AttentionState& part, int rows, int head_dim, const AttentionState& state) {
  const int dims = PaddedDims(head_dim);
  for (int r = 0; r < rows; ++r) {
    if (part.sum[r] == 0) continue;
    if (state.sum[r] == 0) {
      state.max[r] = part.max[r];
      state.sum[r] = part.sum[r];
      std::memcpy(state.mixed + r * dims, part.mixed + r * dims, static_cast<size_t>(dims) * sizeof(float));
      continue;
    }
    const float max = state.max[r] > part.max[r] ? state.max[r] : part.max[r];
    const Vf old_weight = Exp2(Set(state.max[r] - max));
    const Vf new_weight = Exp2(Set(part.max[r] - max));
    state.max[r] = max;
    StoreN(state.sum + r, Fma(Set(part.sum[r]), new_weight, Set(state.sum[r]) * old_weight), 1);
    float* mixed = state.mixed + r * dims;
    for (int d = 0; d < dims; d += kLanes) {
      Store(mixed + d, Fma(Load(part.mixed + r * dims + d), new_weight, Load(mixed + d) * old_weight));
    }
  }
}

void Finish(const AttentionState& state, int row, int head_dim, float* out) {
  const float* mixed = state.mixed + row * PaddedDims(head_dim);
  const Vf sum = Set(state.sum[row]);
  for (int d = 0; d < head_dim; d += kLanes) {
    const Vf value = Load(mixed + d) / sum;
    if (d + kLanes <= head_dim) {
      Store(out + d, value);
    } else {
      StoreN(out + d, value, head_dim - d);
    }
  }
}

}  // namespace

void FillAttention(AttentionKernels& kernels) {
  kernels.f32 = {Part<F32>, WriteF32};
  kernels.bf16 = {Part<BF16>, WriteBf16};
  kernels.pack_query = PackQuery;
  kernels.merge = Merge;
  kernels.finish = Finish;
}

}  // namespace spate::cpu::SPATE_ISA_NS
