// Weights in block formats times activations in int8 (quant/int8_group.h). The products of a part of a group are summed
// exactly in int32; then sum * (weight scale * activation scale) is added to the output's f32, group after group, and
// what weights have in common beside it, offset * (sum of the group's activations). Few tokens read the units as they
// are; for many some groups are unpacked to bytes and f32 scales, in the cache. Both compute the same bits.
#include "backend/cpu/kernels/block_formats.h"
#include "backend/cpu/kernels/fill.h"
#include "quant/int8_group.h"

namespace spate::cpu::SPATE_ISA_NS {
namespace {

template <class Format>
constexpr int64_t kUnitBytes = int64_t{Format::kBlockBytes} * kTileRows;

// Bytes that weights are fetched early: 4 KiB or more, and whole steps of a full group of tiles, so that every unit's
// turn comes as long after its fetch. Into the L1 cache: fetched into the L2 cache weights came 10 to 25 % slower.
constexpr int64_t kLeastAhead = 4096;
template <class Format>
constexpr int64_t kStepBytes = kMaxTiles * kUnitBytes<Format>;
template <class Format>
constexpr int64_t kFetchAhead = (kLeastAhead / kStepBytes<Format> + 1) * kStepBytes<Format>;

template <class Format>
SPATE_INLINE void FetchAhead(const std::byte* unit, int group) {
  constexpr int64_t kShare = kUnitBytes<Format> / Format::kGroups;
  const std::byte* ahead = unit + group * kShare + kFetchAhead<Format>;
#pragma GCC unroll 16
  for (int64_t i = 0; i < kShare; i += 64) __builtin_prefetch(ahead + i, 0, 3);
}

template <class T>
SPATE_INLINE T Read(const std::byte* p) {
  T value;
  std::memcpy(&value, p, sizeof(value));
  return value;
}

// A group of a tile as it lies in a unit.
template <class Format>
struct InUnit {
  const std::byte* unit;
  int group;
  __attribute__((always_inline)) Vi Levels(int vector) const { return Format::Levels(unit, group, vector); }
  __attribute__((always_inline)) Vf Scale(int part) const { return Format::Scale(unit, group, part); }
  __attribute__((always_inline)) Vf Offset() const { return Format::Offset(unit, group); }
};

// A group of a tile as Unpack wrote it.
struct Unpacked {
  const std::byte* at;
  __attribute__((always_inline)) Vi Levels(int vector) const { return LoadI(at + vector * kVectorBytes); }
  __attribute__((always_inline)) Vf Scale(int part) const {
    return Load(reinterpret_cast<const float*>(at + kUnpackedScales + part * kVectorBytes));
  }
  __attribute__((always_inline)) Vf Offset() const {
    return Load(reinterpret_cast<const float*>(at + kUnpackedOffset));
  }
};

template <class Format>
void Unpack(const UnpackArgs& args) {
  FetchAhead<Format>(args.unit, args.group);
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) StoreI(args.out + v * kVectorBytes, Format::Levels(args.unit, args.group, v));
#pragma GCC unroll 2
  for (int p = 0; p < Format::kParts; ++p) {
    Store(reinterpret_cast<float*>(args.out + kUnpackedScales + p * kVectorBytes),
          Format::Scale(args.unit, args.group, p));
  }
  if constexpr (Format::kMin) {
    Store(reinterpret_cast<float*>(args.out + kUnpackedOffset), Format::Offset(args.unit, args.group));
  }
}

// Sums start at the bits of 1.5 * 2^23: there the next f32 is one more, so that as long as a sum stays below 2^22 its
// bits are the float 1.5 * 2^23 + sum. From that one exact subtraction takes both the start and what the zero point
// contributed; a conversion to f32 would take a second one.
constexpr int32_t kFloatZeroBits = 0x4b400000;
static_assert(kInt8Group * 255 * 127 < 1 << 22);

// One group of kTiles tiles times kTokens rows of activations. x: the group of the first token (Int8Layout).
template <class Format, class Weights, int kTiles, int kTokens>
SPATE_INLINE void AddGroup(Vf (&acc)[kTiles][kTokens], const Weights (&weights)[kTiles], const std::byte* x,
                           int64_t token_bytes) {
  constexpr int kPartVectors = kVectors / Format::kParts;
#pragma GCC unroll 2
  for (int p = 0; p < Format::kParts; ++p) {
    Vi dot[kTiles][kTokens];
#pragma GCC unroll 16
    for (int m = 0; m < kTokens; ++m) {
#pragma GCC unroll 4
      for (int t = 0; t < kTiles; ++t) dot[t][m] = SetI(kFloatZeroBits);
    }
#pragma GCC unroll 8
    for (int v = p * kPartVectors; v < (p + 1) * kPartVectors; ++v) {
      Vi levels[kTiles];
#pragma GCC unroll 4
      for (int t = 0; t < kTiles; ++t) levels[t] = weights[t].Levels(v);
#pragma GCC unroll 16
      for (int m = 0; m < kTokens; ++m) {
        const Vi values = SetBytes(x + m * token_bytes + 4 * v);
#pragma GCC unroll 4
        for (int t = 0; t < kTiles; ++t) dot[t][m] = Dot<Format::kSigned>(dot[t][m], levels[t], values);
      }
    }
    Vf scales[kTiles];
#pragma GCC unroll 4
    for (int t = 0; t < kTiles; ++t) scales[t] = weights[t].Scale(p);
#pragma GCC unroll 16
    for (int m = 0; m < kTokens; ++m) {
      const std::byte* token = x + m * token_bytes;
      const Vf scale = Set(Read<float>(token + Int8Layout::kScale));
      const Vf zero =
          Set(Format::kZeroSum == 0 ? float{Int8Layout::kFloatZero} : Read<float>(token + Format::kZeroSum + 4 * p));
#pragma GCC unroll 4
      for (int t = 0; t < kTiles; ++t) {
        acc[t][m] = Fma(BitsToFloat(dot[t][m]) - zero, scales[t] * scale, acc[t][m]);
      }
    }
  }
  if constexpr (Format::kMin) {
    Vf offsets[kTiles];
#pragma GCC unroll 4
    for (int t = 0; t < kTiles; ++t) offsets[t] = weights[t].Offset();
#pragma GCC unroll 16
    for (int m = 0; m < kTokens; ++m) {
      const Vf sum = Set(Read<float>(x + m * token_bytes + Int8Layout::kScaledSum));
#pragma GCC unroll 4
      for (int t = 0; t < kTiles; ++t) acc[t][m] = Fma(offsets[t], sum, acc[t][m]);
    }
  }
}

template <int kTiles, int kTokens>
SPATE_INLINE void LoadSums(Vf (&acc)[kTiles][kTokens], const float* from, int64_t stride, bool first) {
#pragma GCC unroll 4
  for (int t = 0; t < kTiles; ++t) {
#pragma GCC unroll 16
    for (int m = 0; m < kTokens; ++m) acc[t][m] = first ? Zero() : Load(from + m * stride + t * kTileRows);
  }
}
template <int kTiles, int kTokens>
SPATE_INLINE void StoreSums(const Vf (&acc)[kTiles][kTokens], float* to, int64_t stride) {
#pragma GCC unroll 4
  for (int t = 0; t < kTiles; ++t) {
#pragma GCC unroll 16
    for (int m = 0; m < kTokens; ++m) Store(to + m * stride + t * kTileRows, acc[t][m]);
  }
}

// All blocks of kTiles tiles, straight from the units.
template <class Format, int kTiles, int kTokens>
void MultiplyUnits(const BlockArgs& args, const std::byte* unit, float* to) {
  Vf acc[kTiles][kTokens];
  LoadSums(acc, to, args.acc_stride, true);
  const std::byte* x = args.x;
  for (int64_t b = 0; b < args.blocks; ++b) {
    for (int group = 0; group < Format::kGroups; ++group) {
      InUnit<Format> weights[kTiles];
#pragma GCC unroll 4
      for (int t = 0; t < kTiles; ++t) {
        weights[t] = {unit + t * kUnitBytes<Format>, group};
        FetchAhead<Format>(weights[t].unit, group);
      }
      AddGroup<Format>(acc, weights, x, args.token_bytes);
      x += Int8Layout::kGroupBytes;
    }
    unit += args.step_bytes;
  }
  StoreSums(acc, to, args.acc_stride);
}

template <class Format, int kTiles, int kTokens>
void MultiplyBlocks(const BlockArgs& args) {
  const std::byte* unit = args.w;
  float* acc = args.acc;
  int left = args.tiles;
  for (; left >= kTiles; left -= kTiles) {
    MultiplyUnits<Format, kTiles, kTokens>(args, unit, acc);
    unit += kTiles * kUnitBytes<Format>;
    acc += kTiles * kTileRows;
  }
  for (; left > 0; --left) {
    MultiplyUnits<Format, 1, kTokens>(args, unit, acc);
    unit += kUnitBytes<Format>;
    acc += kTileRows;
  }
}

// Some groups of kTiles tiles that were unpacked.
template <class Format, int kTiles, int kTokens>
void MultiplyUnpackedTiles(const UnpackedArgs& args, const std::byte* w, float* to) {
  Vf acc[kTiles][kTokens];
  LoadSums(acc, to, args.acc_stride, args.first);
  const std::byte* x = args.x;
  for (int64_t g = 0; g < args.groups; ++g) {
    Unpacked weights[kTiles];
#pragma GCC unroll 4
    for (int t = 0; t < kTiles; ++t) weights[t] = {w + t * args.tile_bytes};
    AddGroup<Format>(acc, weights, x, args.token_bytes);
    w += kUnpackedBytes;
    x += Int8Layout::kGroupBytes;
  }
  StoreSums(acc, to, args.acc_stride);
}

template <class Format, int kTiles, int kTokens>
void MultiplyUnpacked(const UnpackedArgs& args) {
  const std::byte* w = args.w;
  float* acc = args.acc;
  int left = args.tiles;
  for (; left >= kTiles; left -= kTiles) {
    MultiplyUnpackedTiles<Format, kTiles, kTokens>(args, w, acc);
    w += kTiles * args.tile_bytes;
    acc += kTiles * kTileRows;
  }
  for (; left > 0; --left) {
    MultiplyUnpackedTiles<Format, 1, kTokens>(args, w, acc);
    w += args.tile_bytes;
    acc += kTileRows;
  }
}

// Tiles at a time and most tokens: sums in int32 and f32 and the weights of all tiles fit the registers.
#if defined(__AVX512F__)
constexpr int kFewTiles = 4, kFewTokens = 3;
constexpr int kManyTiles = 2, kManyTokens = 5;
#elif defined(__AVX2__)
constexpr int kFewTiles = 1, kFewTokens = 2;
constexpr int kManyTiles = 1, kManyTokens = 2;
#else
constexpr int kFewTiles = 1, kFewTokens = 1;
constexpr int kManyTiles = 1, kManyTokens = 1;
#endif

template <class Format, int kTokens>
void FillFew(LinearKernels::Format& format) {
  if constexpr (kTokens > 0) {
    format.multiply_blocks[kTokens - 1] = MultiplyBlocks<Format, kFewTiles, kTokens>;
    FillFew<Format, kTokens - 1>(format);
  }
}

template <class Format, int kTokens>
void FillMany(LinearKernels::Format& format) {
  if constexpr (kTokens > 0) {
    format.multiply_unpacked[kTokens - 1] = MultiplyUnpacked<Format, kManyTiles, kTokens>;
    FillMany<Format, kTokens - 1>(format);
  }
}

template <class Format>
void FillBlock(LinearKernels::Format& format) {
  format.activation = LinearKernels::Activation::kInt8;
  format.unpack = Unpack<Format>;
  FillFew<Format, kFewTokens>(format);
  FillMany<Format, kManyTokens>(format);
  format.one_pass_tokens = kFewTokens;
  format.gemm_tokens = kManyTokens;
}

}  // namespace

void FillBlocks(LinearKernels& kernels) {
  FillBlock<Q40Format>(kernels.q4_0);
  FillBlock<Q80Format>(kernels.q8_0);
  FillBlock<Q4KFormat>(kernels.q4_k);
  FillBlock<Q5KFormat>(kernels.q5_k);
  FillBlock<Q6KFormat>(kernels.q6_k);
}

}  // namespace spate::cpu::SPATE_ISA_NS
