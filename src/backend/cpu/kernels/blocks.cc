// Weights in block formats. For few tokens they are multiplied as they are read; for many a slice becomes an f32 tile
// in the cache, which the f32 kernels multiply. Both accumulate Fma(weight, x, sum) over ascending k: the same bits.
#include "backend/cpu/kernels/block_formats.h"
#include "backend/cpu/kernels/fill.h"

namespace spate::cpu::SPATE_ISA_NS {
namespace {

// Bytes that weights are fetched early.
constexpr int64_t kFetchAhead = 4096;

// k that pass before the accumulators of some tiles go back to memory and the next tiles of the group take their turn.
constexpr int kTurnK = 256;

template <class Format>
constexpr int64_t kUnitBytes = int64_t{Format::kBlockBytes} * kTileRows;

template <class Format>
SPATE_INLINE Vf Weight(const typename Format::State& state, Vi level) {
  return Fma(ToFloat(level), state.scale, state.offset);
}

template <class Format>
SPATE_INLINE void FetchAhead(const std::byte* unit, int slice) {
  constexpr int64_t kShare = kUnitBytes<Format> / Format::kSlices;
  const std::byte* ahead = unit + slice * kShare + kFetchAhead;
#pragma GCC unroll 16
  for (int64_t i = 0; i < kShare; i += 64) __builtin_prefetch(ahead + i, 0, 3);
}

// call(integral constant of the variant) for a slice.
template <int kValue>
struct Constant {
  static constexpr int kVariant = kValue;
};
template <class Format, class Call>
SPATE_INLINE void ForVariant(int slice, Call call) {
  if constexpr (Format::kVariants > 1) {
    if (slice % Format::kPeriod >= Format::kPeriod / Format::kVariants) return call(Constant<Format::kVariants - 1>());
  }
  call(Constant<0>());
}

template <class Format>
void Unpack(const UnpackArgs& args) {
  FetchAhead<Format>(args.unit, args.slice);
  ForVariant<Format>(args.slice, [&](auto constant) SPATE_LAMBDA {
    constexpr int kVariant = decltype(constant)::kVariant;
    typename Format::State state;
    float* out = args.out;
    const auto run = [&](auto which) SPATE_LAMBDA {
      constexpr int kRun = decltype(which)::kVariant;
      Format::template Begin<kRun>(state, args.unit, args.slice);
#pragma GCC unroll 4
      for (int i = 0; i < kSliceK / 2; ++i) {
        Store(out, Weight<Format>(state, Format::template Level<kVariant, kRun>(state, i)));
        out += args.out_stride;
      }
    };
    run(Constant<0>());
    run(Constant<1>());
  });
}

// One slice of kTiles units times kTokens activations.
template <class Format, int kVariant, int kTiles, int kTokens>
SPATE_INLINE void MultiplySlice(Vf (&acc)[kTiles][kTokens], const std::byte* unit, int slice, const std::byte* x,
                                int64_t token_bytes) {
  typename Format::State state[kTiles];
  const auto run = [&](auto which) SPATE_LAMBDA {
    constexpr int kRun = decltype(which)::kVariant;
#pragma GCC unroll 4
    for (int t = 0; t < kTiles; ++t) Format::template Begin<kRun>(state[t], unit + t * kUnitBytes<Format>, slice);
    for (int i = 0; i < kSliceK / 2; ++i) {
      Vf weights[kTiles];
#pragma GCC unroll 4
      for (int t = 0; t < kTiles; ++t) {
        weights[t] = Weight<Format>(state[t], Format::template Level<kVariant, kRun>(state[t], i));
      }
#pragma GCC unroll 4
      for (int m = 0; m < kTokens; ++m) {
        const Vf value = Set(*reinterpret_cast<const float*>(x + m * token_bytes));
#pragma GCC unroll 4
        for (int t = 0; t < kTiles; ++t) acc[t][m] = Fma(weights[t], value, acc[t][m]);
      }
      x += sizeof(float);
    }
  };
  run(Constant<0>());
  run(Constant<1>());
}

// `blocks` consecutive blocks of kTiles tiles.
template <class Format, int kTiles, int kTokens>
void MultiplyTurn(const BlockArgs& args, const std::byte* unit, const std::byte* x, int64_t blocks, float* to,
                  bool first) {
  Vf acc[kTiles][kTokens];
#pragma GCC unroll 4
  for (int t = 0; t < kTiles; ++t) {
#pragma GCC unroll 4
    for (int m = 0; m < kTokens; ++m) acc[t][m] = first ? Zero() : Load(to + m * args.acc_stride + t * kTileRows);
  }
  for (int64_t b = 0; b < blocks; ++b) {
    for (int slice = 0; slice < Format::kSlices; ++slice) {
#pragma GCC unroll 4
      for (int t = 0; t < kTiles; ++t) FetchAhead<Format>(unit + t * kUnitBytes<Format>, slice);
      ForVariant<Format>(slice, [&](auto constant) SPATE_LAMBDA {
        MultiplySlice<Format, decltype(constant)::kVariant, kTiles, kTokens>(acc, unit, slice, x, args.token_bytes);
      });
      x += kSliceK * sizeof(float);
    }
    unit += args.step_bytes;
  }
#pragma GCC unroll 4
  for (int t = 0; t < kTiles; ++t) {
#pragma GCC unroll 4
    for (int m = 0; m < kTokens; ++m) Store(to + m * args.acc_stride + t * kTileRows, acc[t][m]);
  }
}

// All tiles of a group, kTiles of them at a time.
template <class Format, int kTiles, int kTokens>
void MultiplyBlocks(const BlockArgs& args) {
  constexpr int64_t kTurn = kTurnK / (Format::kSlices * kSliceK);
  for (int64_t b = 0; b < args.blocks; b += kTurn) {
    const int64_t blocks = args.blocks - b < kTurn ? args.blocks - b : kTurn;
    const std::byte* unit = args.w + b * args.step_bytes;
    const std::byte* x = args.x + b * Format::kSlices * kSliceK * int64_t{sizeof(float)};
    float* acc = args.acc;
    int left = args.tiles;
    for (; left >= kTiles; left -= kTiles) {
      MultiplyTurn<Format, kTiles, kTokens>(args, unit, x, blocks, acc, b == 0);
      unit += kTiles * kUnitBytes<Format>;
      acc += kTiles * kTileRows;
    }
    for (; left > 0; --left) {
      MultiplyTurn<Format, 1, kTokens>(args, unit, x, blocks, acc, b == 0);
      unit += kUnitBytes<Format>;
      acc += kTileRows;
    }
  }
}

// Tiles at a time and most tokens: accumulators, scales, offsets and weights of all tiles fit the registers.
#if defined(__AVX512F__)
constexpr int kTilesAtOnce = 4, kFewTokens = 4;
#elif defined(__AVX2__)
constexpr int kTilesAtOnce = 2, kFewTokens = 1;
#else
constexpr int kTilesAtOnce = 1, kFewTokens = 1;
#endif

template <class Format, int kTokens>
void FillTokens(LinearKernels::Format& format) {
  if constexpr (kTokens > 0) {
    format.multiply_blocks[kTokens - 1] = MultiplyBlocks<Format, kTilesAtOnce, kTokens>;
    FillTokens<Format, kTokens - 1>(format);
  }
}

template <class Format>
void FillBlock(LinearKernels::Format& format) {
  FillF32InCache(format);
  format.unpack = Unpack<Format>;
  FillTokens<Format, kFewTokens>(format);
  format.one_pass_tokens = kFewTokens;
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
