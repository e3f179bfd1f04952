// The one loop behind every dense matrix kernel: kTiles weight tiles times kTokens activations with all accumulators in
// registers, k ascending. A format says how to load a step of weights, how to broadcast a step of one token's
// activations and how to accumulate.
//
//   struct Format {
//     static constexpr int kWeightBytes;      // of a tile, per step
//     static constexpr int kActivationBytes;  // of a token, per step
//     using W = ...;  using X = ...;
//     static W LoadW(const std::byte*);  static X LoadX(const std::byte*);
//     static Vf Accumulate(Vf acc, W, X);
//   };
#pragma once

#include "backend/cpu/kernels/vec.h"
#include "backend/cpu/linear_kernels.h"

namespace spate::cpu::SPATE_ISA_NS {

// Lines that a step prefetches. With few tokens it reads memory at full speed, a line of every tile; with more it takes
// longer than two lines do.
static constexpr int Fetches(int tiles, int tokens) { return tokens < kPrefetchTokens ? tiles : 2; }

template <class Format, int kTiles, int kTokens>
static void Multiply(const MultiplyArgs& args) {
  Vf acc[kTiles][kTokens];
#pragma GCC unroll 16
  for (int t = 0; t < kTiles; ++t) {
#pragma GCC unroll 16
    for (int m = 0; m < kTokens; ++m)
      acc[t][m] = args.first ? Zero() : Load(args.acc + m * args.acc_stride + t * kTileRows);
  }
  const std::byte* w = args.w;
  const std::byte* x = args.x;
  const int64_t step_bytes = args.step_bytes;
  const int64_t token_bytes = args.token_bytes;
  constexpr int kFetches = Fetches(kTiles, kTokens);
  const std::byte* prefetch = args.prefetch;
  const int64_t prefetch_stride = args.prefetch_stride;
  const int64_t apart = prefetch_stride / kFetches;
  for (int64_t steps = args.steps; steps > 0; --steps) {
    typename Format::W weights[kTiles];
#pragma GCC unroll 16
    for (int t = 0; t < kTiles; ++t) weights[t] = Format::LoadW(w + t * Format::kWeightBytes);
#pragma GCC unroll 16
    for (int m = 0; m < kTokens; ++m) {
      const typename Format::X value = Format::LoadX(x + m * token_bytes);
#pragma GCC unroll 16
      for (int t = 0; t < kTiles; ++t) acc[t][m] = Format::Accumulate(acc[t][m], weights[t], value);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kFetches; ++i) __builtin_prefetch(prefetch + i * apart, 0, 2);  // into the L2 cache
    prefetch += prefetch_stride;
    w += step_bytes;
    x += Format::kActivationBytes;
  }
#pragma GCC unroll 16
  for (int t = 0; t < kTiles; ++t) {
#pragma GCC unroll 16
    for (int m = 0; m < kTokens; ++m) Store(args.acc + m * args.acc_stride + t * kTileRows, acc[t][m]);
  }
}

// Puts Multiply of 1..kTokens tokens into the table's row for kTiles.
template <class Format, int kTiles, int kTokens>
static void FillTokens(LinearKernels::Format& format) {
  if constexpr (kTokens > 0) {
    format.multiply[kTiles - 1][kTokens - 1] = Multiply<Format, kTiles, kTokens>;
    FillTokens<Format, kTiles, kTokens - 1>(format);
  }
}

// Shapes of one level: the best for many tokens, and up to how many tokens a whole group of tiles times all of them
// still fits the registers. Beyond that blocks in the cache are faster than reading part of a group (measured).
template <class Format, int kGemmTiles, int kGemmTokens, int kOnePassTokens>
static void SetShapes(LinearKernels::Format& format) {
  static_assert(kMaxTiles == 4);
  format.gemm_tiles = kGemmTiles;
  format.gemm_tokens = kGemmTokens;
  format.one_pass_tokens = kOnePassTokens;
  FillTokens<Format, 1, kGemmTokens>(format);
  static_assert(kGemmTiles == 1 || kGemmTiles == kMaxTiles);
  constexpr int kTokensOf[] = {kOnePassTokens, kGemmTokens};
  constexpr int kMore = kTokensOf[kGemmTiles > 1];  // tokens with two tiles and more
  FillTokens<Format, 2, kMore>(format);
  FillTokens<Format, 3, kMore>(format);
  FillTokens<Format, 4, kMore>(format);
}

}  // namespace spate::cpu::SPATE_ISA_NS
