// Dot products of bytes: 16 lanes of 4 products each, as vpdpbusd has them. For kernels/*.cc only, as vec.h.
#pragma once

#include "backend/cpu/kernels/vec.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace spate::cpu::SPATE_ISA_NS {

// Whether weights are multiplied as unsigned bytes; else as signed ones (and zero points are gone before).
#if defined(__AVX512VNNI__)
inline constexpr bool kUnsignedWeights = true;
#else
inline constexpr bool kUnsignedWeights = false;
#endif

// Four int8 of `p` in every lane.
SPATE_INLINE Vi SetBytes(const std::byte* p) {
  int32_t bytes;
  std::memcpy(&bytes, p, sizeof(bytes));
  return SetI(bytes);
}

#if defined(__AVX512VNNI__)

// acc + the lane's four products of w, u8, with x, int8.
SPATE_INLINE Vi DotU8(Vi acc, Vi w, Vi x) {
  return Vi{reinterpret_cast<ChunkI>(_mm512_dpbusd_epi32(
      reinterpret_cast<__m512i>(acc.c0), reinterpret_cast<__m512i>(w.c0), reinterpret_cast<__m512i>(x.c0)))};
}

#elif defined(__AVX2__)

// Pairs are summed as int16 first: right for w <= 128.
SPATE_INLINE Vi DotU8(Vi acc, Vi w, Vi x) {
  return Map<Vi>(
      [](ChunkI sum, ChunkI a, ChunkI b) SPATE_LAMBDA -> ChunkI {
#if defined(__AVX512F__)
        const __m512i pairs = _mm512_maddubs_epi16(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b));
        return sum + reinterpret_cast<ChunkI>(_mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
#else
        const __m256i pairs = _mm256_maddubs_epi16(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b));
        return sum + reinterpret_cast<ChunkI>(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
#endif
      },
      acc, w, x);
}

// w int8: |w| with x of its sign. x is not -128.
SPATE_INLINE Vi DotI8(Vi acc, Vi w, Vi x) {
#if defined(__AVX512F__)
  const __m512i a = reinterpret_cast<__m512i>(w.c0), b = reinterpret_cast<__m512i>(x.c0);
  const __m512i moved = _mm512_mask_sub_epi8(b, _mm512_movepi8_mask(a), _mm512_setzero_si512(), b);
  return DotU8(acc, Vi{reinterpret_cast<ChunkI>(_mm512_abs_epi8(a))}, Vi{reinterpret_cast<ChunkI>(moved)});
#else
  const auto magnitude = [](ChunkI a) SPATE_LAMBDA -> ChunkI {
    return reinterpret_cast<ChunkI>(_mm256_abs_epi8(reinterpret_cast<__m256i>(a)));
  };
  const auto sign = [](ChunkI a, ChunkI b) SPATE_LAMBDA -> ChunkI {
    return reinterpret_cast<ChunkI>(_mm256_sign_epi8(reinterpret_cast<__m256i>(b), reinterpret_cast<__m256i>(a)));
  };
  return DotU8(acc, Map<Vi>(magnitude, w), Map<Vi>(sign, w, x));
#endif
}

#else

// Bytes 0 and 2, and 1 and 3, of each lane as pairs of int16, which are multiplied and added to int32.
SPATE_INLINE ChunkI AddPairs(ChunkI sum, ChunkI a, ChunkI b) {
#if defined(__SSE2__)
  return sum + reinterpret_cast<ChunkI>(_mm_madd_epi16(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
  return sum + (a << 16 >> 16) * (b << 16 >> 16) + (a >> 16) * (b >> 16);
#endif
}
template <class Half>  // int16_t or uint16_t: how the weights' bytes are widened
SPATE_INLINE Vi DotWidened(Vi acc, Vi w, Vi x) {
  return Map<Vi>(
      [](ChunkI sum, ChunkI a, ChunkI b) SPATE_LAMBDA -> ChunkI {
        typedef Half Weights __attribute__((vector_size(sizeof(ChunkI))));
        typedef int16_t Halves __attribute__((vector_size(sizeof(ChunkI))));
        const Weights w_even = reinterpret_cast<Weights>(a) << 8 >> 8, w_odd = reinterpret_cast<Weights>(a) >> 8;
        const Halves x_even = reinterpret_cast<Halves>(b) << 8 >> 8, x_odd = reinterpret_cast<Halves>(b) >> 8;
        sum = AddPairs(sum, reinterpret_cast<ChunkI>(w_even), reinterpret_cast<ChunkI>(x_even));
        return AddPairs(sum, reinterpret_cast<ChunkI>(w_odd), reinterpret_cast<ChunkI>(x_odd));
      },
      acc, w, x);
}
SPATE_INLINE Vi DotU8(Vi acc, Vi w, Vi x) { return DotWidened<uint16_t>(acc, w, x); }
SPATE_INLINE Vi DotI8(Vi acc, Vi w, Vi x) { return DotWidened<int16_t>(acc, w, x); }

#endif

// Of either kind. Signed ones only where !kUnsignedWeights.
template <bool kSigned>
SPATE_INLINE Vi Dot(Vi acc, Vi w, Vi x) {
#if !defined(__AVX512VNNI__)
  if constexpr (kSigned) return DotI8(acc, w, x);
#endif
  return DotU8(acc, w, x);
}

}  // namespace spate::cpu::SPATE_ISA_NS
