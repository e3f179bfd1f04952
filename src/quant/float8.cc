#include "quant/float8.h"

#include <cmath>
#include <limits>

namespace spate {
namespace {

// `mantissa_bits` and the rest exponent, whose field 0 means subnormal.
float Decode(uint8_t bits, int mantissa_bits, int bias) {
  const int fraction = bits & ((1 << mantissa_bits) - 1);
  const int exponent = (bits & 0x7F) >> mantissa_bits;
  const int significand = exponent == 0 ? fraction : fraction + (1 << mantissa_bits);
  const float magnitude =
      std::ldexp(static_cast<float>(significand), (exponent == 0 ? 1 : exponent) - bias - mantissa_bits);
  return (bits & 0x80) != 0 ? -magnitude : magnitude;
}

}  // namespace

float ToFloatE4M3(uint8_t bits) {
  if ((bits & 0x7F) == 0x7F) return std::numeric_limits<float>::quiet_NaN();
  return Decode(bits, 3, 7);
}

float ToFloatE5M2(uint8_t bits) {
  const uint8_t magnitude = bits & 0x7F;
  if (magnitude > 0x7C) return std::numeric_limits<float>::quiet_NaN();
  if (magnitude == 0x7C) return (bits & 0x80) != 0 ? -INFINITY : INFINITY;
  return Decode(bits, 2, 15);
}

}  // namespace spate
