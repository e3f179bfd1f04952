// The vector that kernels are written with: 16 f32 lanes (Vf), as one zmm, two ymm or four xmm, and what the kernels do
// with it. For kernels/*.cc only: everything is in the level's own namespace and inlined, so that no code of one level
// can be linked into another.
//
// Nothing here is contracted or reordered: the bits of a result follow from the source. Fma rounds once where the level
// has the instruction and twice on portable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define SPATE_INLINE static inline __attribute__((always_inline))

namespace spate::cpu::SPATE_ISA_NS {

inline constexpr int kLanes = 16;

#if defined(__AVX512F__)
inline constexpr int kChunks = 1;
using ChunkF = __m512;
typedef int32_t ChunkI __attribute__((vector_size(64)));
#elif defined(__AVX2__)
inline constexpr int kChunks = 2;
using ChunkF = __m256;
typedef int32_t ChunkI __attribute__((vector_size(32)));
#else
inline constexpr int kChunks = 4;
typedef float ChunkF __attribute__((vector_size(16)));
typedef int32_t ChunkI __attribute__((vector_size(16)));
#endif
inline constexpr int kChunkLanes = kLanes / kChunks;

// Separate members, not an array: the compiler keeps them in registers.
#if defined(__AVX512F__)
struct Vf {
  ChunkF c0;
};
struct Vi {
  ChunkI c0;
};  // int32
#elif defined(__AVX2__)
struct Vf {
  ChunkF c0, c1;
};
struct Vi {
  ChunkI c0, c1;
};
#else
struct Vf {
  ChunkF c0, c1, c2, c3;
};
struct Vi {
  ChunkI c0, c1, c2, c3;
};
#endif

// f(chunk of a, chunk of b, ...) for every chunk.
template <class R, class F, class... V>
SPATE_INLINE R Map(F f, const V&... v) {
#if defined(__AVX512F__)
  return R{f(v.c0...)};
#elif defined(__AVX2__)
  return R{f(v.c0...), f(v.c1...)};
#else
  return R{f(v.c0...), f(v.c1...), f(v.c2...), f(v.c3...)};
#endif
}

// f(chunk, index of its first lane) for every chunk.
template <class F, class V>
SPATE_INLINE void Each(F f, V& v) {
  f(v.c0, 0);
#if !defined(__AVX512F__)
  f(v.c1, kChunkLanes);
#if !defined(__AVX2__)
  f(v.c2, 2 * kChunkLanes);
  f(v.c3, 3 * kChunkLanes);
#endif
#endif
}

#define SPATE_LAMBDA __attribute__((always_inline))

SPATE_INLINE Vf Set(float value) {
  Vf r;
  Each([&](ChunkF& c, int) SPATE_LAMBDA { c = value - ChunkF{}; }, r);
  return r;
}
SPATE_INLINE Vi SetI(int32_t value) {
  Vi r;
  Each([&](ChunkI& c, int) SPATE_LAMBDA { c = value - ChunkI{}; }, r);
  return r;
}
SPATE_INLINE Vf Zero() { return Vf{}; }

SPATE_INLINE Vf Load(const float* p) {
  Vf r;
  Each([&](ChunkF& c, int lane) SPATE_LAMBDA { std::memcpy(&c, p + lane, sizeof(c)); }, r);
  return r;
}
SPATE_INLINE void Store(float* p, Vf v) {
  Each([&](ChunkF& c, int lane) SPATE_LAMBDA { std::memcpy(p + lane, &c, sizeof(c)); }, v);
}
SPATE_INLINE Vi LoadI(const void* p) {
  Vi r;
  Each([&](ChunkI& c, int lane) SPATE_LAMBDA { std::memcpy(&c, static_cast<const char*>(p) + lane * 4, sizeof(c)); },
       r);
  return r;
}
SPATE_INLINE void StoreI(void* p, Vi v) {
  Each([&](ChunkI& c, int lane) SPATE_LAMBDA { std::memcpy(static_cast<char*>(p) + lane * 4, &c, sizeof(c)); }, v);
}

// The first n lanes, 0 <= n <= 16; the others read as zero, and are not written.
SPATE_INLINE Vf LoadN(const float* p, int n) {
#if defined(__AVX512F__)
  return Vf{_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p)};
#else
  alignas(64) float lanes[kLanes] = {};
  for (int i = 0; i < n; ++i) lanes[i] = p[i];
  return Load(lanes);
#endif
}
SPATE_INLINE void StoreN(float* p, Vf v, int n) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), v.c0);
#else
  alignas(64) float lanes[kLanes];
  Store(lanes, v);
  for (int i = 0; i < n; ++i) p[i] = lanes[i];
#endif
}

#define SPATE_BINARY(name, V, C, expr)                                    \
  SPATE_INLINE V name(V a, V b) {                                         \
    return Map<V>([](C x, C y) SPATE_LAMBDA -> C { return expr; }, a, b); \
  }
SPATE_BINARY(operator+, Vf, ChunkF, x + y)
SPATE_BINARY(operator-, Vf, ChunkF, x - y)
SPATE_BINARY(operator*, Vf, ChunkF, x* y)
SPATE_BINARY(operator/, Vf, ChunkF, x / y)
SPATE_BINARY(operator+, Vi, ChunkI, x + y)
SPATE_BINARY(operator-, Vi, ChunkI, x - y)
SPATE_BINARY(operator&, Vi, ChunkI, x& y)
SPATE_BINARY(operator|, Vi, ChunkI, x | y)
SPATE_BINARY(operator^, Vi, ChunkI, x ^ y)
// max and min as the x86 instructions: b where the lanes are unordered.
#if defined(__AVX512F__)
SPATE_BINARY(Max, Vf, ChunkF, _mm512_max_ps(x, y))
SPATE_BINARY(Min, Vf, ChunkF, _mm512_min_ps(x, y))
#elif defined(__AVX2__)
SPATE_BINARY(Max, Vf, ChunkF, _mm256_max_ps(x, y))
SPATE_BINARY(Min, Vf, ChunkF, _mm256_min_ps(x, y))
#else
SPATE_BINARY(Max, Vf, ChunkF, x > y ? x : y)
SPATE_BINARY(Min, Vf, ChunkF, x < y ? x : y)
#endif
#undef SPATE_BINARY

// a * b + c
SPATE_INLINE Vf Fma(Vf a, Vf b, Vf c) {
  return Map<Vf>(
      [](ChunkF x, ChunkF y, ChunkF z) SPATE_LAMBDA -> ChunkF {
#if defined(__AVX512F__)
        return _mm512_fmadd_ps(x, y, z);
#elif defined(__FMA__)
        return _mm256_fmadd_ps(x, y, z);
#else
        return x * y + z;
#endif
      },
      a, b, c);
}

SPATE_INLINE Vf BitsToFloat(Vi v) {
  return Map<Vf>([](ChunkI x) SPATE_LAMBDA -> ChunkF { return reinterpret_cast<ChunkF>(x); }, v);
}
SPATE_INLINE Vi FloatToBits(Vf v) {
  return Map<Vi>([](ChunkF x) SPATE_LAMBDA -> ChunkI { return reinterpret_cast<ChunkI>(x); }, v);
}
template <int kBits>
SPATE_INLINE Vi ShiftLeft(Vi v) {
  return Map<Vi>([](ChunkI x) SPATE_LAMBDA -> ChunkI { return x << kBits; }, v);
}

SPATE_INLINE Vi ShiftLeft(Vi v, int bits) {
  return Map<Vi>([bits](ChunkI x) SPATE_LAMBDA -> ChunkI { return x << bits; }, v);
}

// Zeros come in where no lane is negative, else ones.
template <int kBits>
SPATE_INLINE Vi ShiftRight(Vi v) {
  return Map<Vi>([](ChunkI x) SPATE_LAMBDA -> ChunkI { return x >> kBits; }, v);
}
SPATE_INLINE Vi ShiftRight(Vi v, int bits) {
  return Map<Vi>([bits](ChunkI x) SPATE_LAMBDA -> ChunkI { return x >> bits; }, v);
}
SPATE_INLINE Vf ToFloat(Vi v) {
  return Map<Vf>([](ChunkI x) SPATE_LAMBDA -> ChunkF { return __builtin_convertvector(x, ChunkF); }, v);
}

// Where a < b, x; elsewhere (and for NaN), y.
SPATE_INLINE Vf IfLess(Vf a, Vf b, Vf x, Vf y) {
  return Map<Vf>(
      [](ChunkF p, ChunkF q, ChunkF s, ChunkF t) SPATE_LAMBDA -> ChunkF {
#if defined(__AVX512F__)
        return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(p, q, _CMP_LT_OQ), t, s);
#elif defined(__AVX2__)
        return _mm256_blendv_ps(t, s, _mm256_cmp_ps(p, q, _CMP_LT_OQ));
#else
        return p < q ? s : t;
#endif
      },
      a, b, x, y);
}

SPATE_INLINE Vf Abs(Vf v) { return BitsToFloat(FloatToBits(v) & SetI(0x7fffffff)); }
// The first n lanes of v, 0 <= n <= 16; the others are zero.
SPATE_INLINE Vf FirstN(Vf v, int n) {
  alignas(64) float lanes[kLanes];
  Store(lanes, v);
  return LoadN(lanes, n);
}

SPATE_INLINE Vf Sqrt(Vf v) {
  return Map<Vf>(
      [](ChunkF x) SPATE_LAMBDA -> ChunkF {
#if defined(__AVX512F__)
        return _mm512_sqrt_ps(x);
#elif defined(__AVX2__)
        return _mm256_sqrt_ps(x);
#else
        return ChunkF{__builtin_sqrtf(x[0]), __builtin_sqrtf(x[1]), __builtin_sqrtf(x[2]), __builtin_sqrtf(x[3])};
#endif
      },
      v);
}

// Round to nearest even for |v| < 2^22: adding 1.5 * 2^23 leaves the integer in the low mantissa bits.
struct Rounded {
  Vf value;
  Vi integer;
};
SPATE_INLINE Rounded Round(Vf v) {
  const Vf magic = Set(12582912.0f);
  const Vf shifted = v + magic;
  return {shifted - magic, FloatToBits(shifted) - FloatToBits(magic)};
}

// e^x, relative error below 2e-7 for -87.3 <= x <= 88.3; exactly 0 below (so e^-infinity is 0), about 2.3e38 above;
// NaN stays NaN. Cody-Waite reduction to |r| <= ln(2) / 2 and the Taylor series through r^7.
SPATE_INLINE Vf Exp(Vf x) {
  const Vf low = Set(-87.33654f);
  const Vf clamped = Max(low, Min(Set(88.3f), x));
  const Rounded n = Round(clamped * Set(1.44269504f));
  Vf r = Fma(n.value, Set(-0.693359375f), clamped);  // the constant has few bits: exact
  r = Fma(n.value, Set(2.12194440e-4f), r);
  Vf p = Set(1.0f / 5040);
  p = Fma(p, r, Set(1.0f / 720));
  p = Fma(p, r, Set(1.0f / 120));
  p = Fma(p, r, Set(1.0f / 24));
  p = Fma(p, r, Set(1.0f / 6));
  p = Fma(p, r, Set(0.5f));
  p = Fma(p, r, Set(1.0f));
  p = Fma(p, r, Set(1.0f));
  const Vf scale = BitsToFloat(ShiftLeft<23>(n.integer + SetI(127)));
  return IfLess(x, low, Zero(), p * scale);
}

// 2^x for x <= 127, relative error below 1.2e-7; exactly 0 below -126 (so 2^-infinity is 0); NaN stays NaN. |x - n| <=
// 1/2 and the polynomial of degree 6 with the least relative error there (2e-9) that is 1 at 0.
SPATE_INLINE Vf Exp2(Vf x) {
  const Vf low = Set(-126.0f);
  const Rounded n = Round(Max(low, x));
  const Vf r = Max(low, x) - n.value;
  Vf p = Set(0x1.41fbbcp-13f);
  p = Fma(p, r, Set(0x1.5f3e54p-10f));
  p = Fma(p, r, Set(0x1.3b2d4cp-7f));
  p = Fma(p, r, Set(0x1.c6aee8p-5f));
  p = Fma(p, r, Set(0x1.ebfbdcp-3f));
  p = Fma(p, r, Set(0x1.62e430p-1f));
  p = Fma(p, r, Set(1.0f));
  const Vf scale = BitsToFloat(ShiftLeft<23>(n.integer + SetI(127)));
  return IfLess(x, low, Zero(), p * scale);
}

#if defined(__AVX512F__)
SPATE_INLINE __m256 UpperHalf(Vf v) {
  return _mm256_castsi256_ps(_mm512_extracti64x4_epi64(_mm512_castps_si512(v.c0), 1));
}
SPATE_INLINE __m256 LowerHalf(Vf v) { return _mm512_castps512_ps256(v.c0); }
#elif defined(__AVX2__)
SPATE_INLINE __m256 UpperHalf(Vf v) { return v.c1; }
SPATE_INLINE __m256 LowerHalf(Vf v) { return v.c0; }
#endif

// Lanes pairwise in a fixed order, the same on every level: i with i + 8, then + 4, + 2, + 1.
SPATE_INLINE float ReduceAdd(Vf v) {
#if defined(__AVX2__)
  const __m256 eight = _mm256_add_ps(LowerHalf(v), UpperHalf(v));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
#else
  alignas(64) float lanes[kLanes];
  Store(lanes, v);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
#endif
}
// No lane is NaN.
SPATE_INLINE float ReduceMax(Vf v) {
#if defined(__AVX2__)
  const __m256 eight = _mm256_max_ps(LowerHalf(v), UpperHalf(v));
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
#else
  alignas(64) float lanes[kLanes];
  Store(lanes, v);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] = lanes[i] > lanes[i + half] ? lanes[i] : lanes[i + half];
  }
  return lanes[0];
#endif
}

// 16 bf16 to f32 and back, round to nearest even; NaN stays NaN. The pointers need no alignment.
SPATE_INLINE Vf LoadBf16(const void* p) {
#if defined(__AVX512F__)
  return BitsToFloat(Vi{reinterpret_cast<ChunkI>(
      _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(p))), 16))});
#elif defined(__AVX2__)
  const __m128i* q = static_cast<const __m128i*>(p);
  return BitsToFloat(
      Vi{reinterpret_cast<ChunkI>(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(q)), 16)),
         reinterpret_cast<ChunkI>(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(q + 1)), 16))});
#else
  uint16_t half[kLanes];
  std::memcpy(half, p, sizeof(half));
  alignas(64) uint32_t lanes[kLanes];
  for (int i = 0; i < kLanes; ++i) lanes[i] = static_cast<uint32_t>(half[i]) << 16;
  return BitsToFloat(LoadI(lanes));
#endif
}

// The bits of v as f32 rounded to bf16: the upper 16 of each lane, the lower are zero.
SPATE_INLINE Vi RoundToBf16(Vf v) {
  return Map<Vi>(
      [](ChunkF x) SPATE_LAMBDA -> ChunkI {
        typedef uint32_t ChunkU __attribute__((vector_size(sizeof(ChunkF))));
        const ChunkU bits = reinterpret_cast<ChunkU>(x);
        const ChunkU rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u;
        const ChunkU nan = (bits | 0x400000u) & 0xffff0000u;
        const ChunkU is_nan = reinterpret_cast<ChunkU>((bits & 0x7fffffffu) > 0x7f800000u);
        return reinterpret_cast<ChunkI>((rounded & ~is_nan) | (nan & is_nan));
      },
      v);
}
SPATE_INLINE void StoreBf16(void* p, Vf v) {
  const Vi bits = RoundToBf16(v);
#if defined(__AVX512F__)
  _mm256_storeu_si256(static_cast<__m256i*>(p),
                      _mm512_cvtepi32_epi16(_mm512_srli_epi32(reinterpret_cast<__m512i>(bits.c0), 16)));
#else
  alignas(64) uint32_t lanes[kLanes];
  StoreI(lanes, bits);
  uint16_t half[kLanes];
  for (int i = 0; i < kLanes; ++i) half[i] = static_cast<uint16_t>(lanes[i] >> 16);
  std::memcpy(p, half, sizeof(half));
#endif
}

// 16 IEEE halves to f32.
SPATE_INLINE Vf LoadF16(const void* p) {
#if defined(__AVX512F__)
  return Vf{_mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(p)))};
#elif defined(__F16C__)
  const __m128i* q = static_cast<const __m128i*>(p);
  return Vf{_mm256_cvtph_ps(_mm_loadu_si128(q)), _mm256_cvtph_ps(_mm_loadu_si128(q + 1))};
#else
  Vf r;
  Each(
      [&](ChunkF& c, int lane) SPATE_LAMBDA {
        typedef uint16_t Halves __attribute__((vector_size(2 * kChunkLanes)));
        Halves halves;
        std::memcpy(&halves, static_cast<const char*>(p) + 2 * lane, sizeof(halves));
        const ChunkI bits = __builtin_convertvector(halves, ChunkI);
        // Exponent and mantissa in place give the value times 2^-112, subnormals included; infinity and NaN keep
        // theirs.
        const ChunkI magnitude = (bits & 0x7fff) << 13;
        const ChunkI special = (magnitude >= (0x7c00 << 13)) & (magnitude | 0x7f800000);
        const ChunkI value = reinterpret_cast<ChunkI>(reinterpret_cast<ChunkF>(magnitude) * 0x1p112f);
        c = reinterpret_cast<ChunkF>((special != 0 ? special : value) | ((bits & 0x8000) << 16));
      },
      r);
  return r;
#endif
}

// 32 bf16 as 16 pairs: the first and the second of each pair.
struct Two {
  Vf first, second;
};
SPATE_INLINE Two LoadBf16Pairs(const void* p) {
  const Vi pairs = LoadI(p);
  return {BitsToFloat(ShiftLeft<16>(pairs)), BitsToFloat(pairs & SetI(static_cast<int32_t>(0xffff0000u)))};
}

// Bit i is set where lane i of a is at least lane i of b; never for NaN.
SPATE_INLINE uint32_t MaskAtLeast(Vf a, Vf b) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask(a.c0, b.c0, _CMP_GE_OQ);
#elif defined(__AVX2__)
  return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a.c0, b.c0, _CMP_GE_OQ))) |
         static_cast<uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a.c1, b.c1, _CMP_GE_OQ))) << 8;
#else
  alignas(64) float x[kLanes];
  alignas(64) float y[kLanes];
  Store(x, a);
  Store(y, b);
  uint32_t mask = 0;
  for (int i = 0; i < kLanes; ++i) mask |= static_cast<uint32_t>(x[i] >= y[i]) << i;
  return mask;
#endif
}

}  // namespace spate::cpu::SPATE_ISA_NS
