// The two 8-bit floating point formats (arXiv 2209.05433). E4M3 has no infinity: all bits set but the sign is NaN.
#pragma once

#include <cstdint>

namespace spate {

float ToFloatE4M3(uint8_t bits);
float ToFloatE5M2(uint8_t bits);

}  // namespace spate
