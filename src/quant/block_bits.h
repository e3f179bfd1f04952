// Numbers in the bytes of a block.
#pragma once

#include <cstdint>

#include "base/half.h"

namespace spate {

inline float F16At(const uint8_t* bytes) { return ToFloat(F16{static_cast<uint16_t>(bytes[0] | bytes[1] << 8)}); }

inline void PutF16(float value, uint8_t* bytes) {
  const uint16_t bits = ToF16(value).bits;
  bytes[0] = static_cast<uint8_t>(bits & 0xff);
  bytes[1] = static_cast<uint8_t>(bits >> 8);
}

// `bits` bits of a byte from bit `shift` on.
inline int BitsOf(uint8_t byte, int shift, int bits) { return (byte >> shift) & ((1 << bits) - 1); }

}  // namespace spate
