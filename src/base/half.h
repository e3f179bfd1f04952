// bf16 and f16 as plain bits, and their conversions in integer arithmetic: the definition that every
// vectorised conversion is tested against. Values, no state.
//
// Everything is `static inline` on purpose: this header is included by files compiled for different
// instruction sets, and of an ordinary inline function the linker keeps one copy, perhaps the AVX-512 one.
//
// A trap for kernels: the AVX512_BF16 conversions treat subnormal inputs as zero and never trap; ToBf16
// rounds them like any other number.
#pragma once

#include <cstdint>

namespace spate {

struct Bf16 {
  uint16_t bits;
};

struct F16 {
  uint16_t bits;
};

[[maybe_unused]] static inline uint32_t FloatBits(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof(bits));
  return bits;
}

[[maybe_unused]] static inline float FloatFromBits(uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, sizeof(value));
  return value;
}

[[maybe_unused]] static inline float ToFloat(Bf16 value) {
  return FloatFromBits(static_cast<uint32_t>(value.bits) << 16);
}

// Round to nearest even; beyond the largest finite value to infinity; NaN stays a quiet NaN.
[[maybe_unused]] static inline Bf16 ToBf16(float value) {
  const uint32_t bits = FloatBits(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return {static_cast<uint16_t>((bits >> 16) | 0x0040u)};
  const uint32_t half_ulp = 0x7fffu + ((bits >> 16) & 1u);
  return {static_cast<uint16_t>((bits + half_ulp) >> 16)};
}

// Exact; NaN becomes quiet, as F16C does it.
[[maybe_unused]] static inline float ToFloat(F16 value) {
  const uint32_t sign = static_cast<uint32_t>(value.bits & 0x8000u) << 16;
  const uint32_t exponent = (value.bits >> 10) & 0x1fu;
  const uint32_t mantissa = value.bits & 0x3ffu;
  if (exponent == 0x1fu) {
    const uint32_t quiet = mantissa != 0 ? 0x00400000u : 0u;
    return FloatFromBits(sign | 0x7f800000u | quiet | (mantissa << 13));
  }
  if (exponent != 0) return FloatFromBits(sign | ((exponent + 112u) << 23) | (mantissa << 13));
  // Zero or subnormal: mantissa * 2^-24, exact in f32.
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
  return FloatFromBits(sign | FloatBits(magnitude));
}

// Round to nearest even, with subnormals; from 65520 on to infinity; NaN stays a quiet NaN.
[[maybe_unused]] static inline F16 ToF16(float value) {
  const uint32_t bits = FloatBits(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return {static_cast<uint16_t>(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu))};
  }
  if (magnitude >= 0x477ff000u) return {static_cast<uint16_t>(sign | 0x7c00u)};  // 65520 is the tie to 65536
  if (magnitude >= 0x38800000u) {                                                // normal: at least 2^-14
    const uint32_t half_ulp = 0xfffu + ((magnitude >> 13) & 1u);
    return {static_cast<uint16_t>(sign | ((magnitude - 0x38000000u + half_ulp) >> 13))};
  }
  if (magnitude < 0x33000000u) return {static_cast<uint16_t>(sign)};  // below 2^-25, the tie to zero
  const uint32_t shift = 126u - (magnitude >> 23);                    // 14 ... 24 bits go
  const uint32_t mantissa = (magnitude & 0x7fffffu) | 0x800000u;
  const uint32_t kept = mantissa >> shift;
  const uint32_t lost = mantissa & ((1u << shift) - 1u);
  const uint32_t half = 1u << (shift - 1u);
  const uint32_t up = (lost > half || (lost == half && (kept & 1u) != 0)) ? 1u : 0u;
  return {static_cast<uint16_t>(sign | (kept + up))};
}

}  // namespace spate
