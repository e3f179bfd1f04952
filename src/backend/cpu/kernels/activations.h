// Activations and tanh of a vector. For kernels/*.cc only, as vec.h. Error bounds count an Exp within 2e-7 and
// roundings of 2^-24 each; polynomials have the least relative error on their interval, coefficients rounded to f32.
#pragma once

#include "backend/cpu/kernels/vec.h"

namespace spate::cpu::SPATE_ISA_NS {

// x / (1 + e^-x)
SPATE_INLINE Vf Silu(Vf x) { return x / (Set(1.0f) + Exp(Zero() - x)); }

// tanh x, relative error below 2^-21; NaN stays NaN. Below 5/8: x + x^3 P(x^2), P within 4.4e-9 of the result, and at
// most 4 roundings that count. Above: (1 - e) / (1 + e) with e = e^-2|x| < 0.29, whose error of 2e-7 moves the result
// by less than 1.3e-7, and 3 roundings.
SPATE_INLINE Vf Tanh(Vf x) {
  const Vf size = Abs(x);
  const Vf square = x * x;
  Vf p = Set(-0x1.75e1a8p-8f);
  p = Fma(p, square, Set(0x1.522692p-6f));
  p = Fma(p, square, Set(-0x1.b83c58p-5f));
  p = Fma(p, square, Set(0x1.110726p-3f));
  p = Fma(p, square, Set(-0x1.555532p-2f));
  const Vf small = Fma(p * square, x, x);
  const Vf e = Exp(Set(-2.0f) * size);
  const Vf large = (Set(1.0f) - e) / (Set(1.0f) + e);
  const Vi sign = FloatToBits(x) & SetI(static_cast<int32_t>(0x80000000u));
  return IfLess(size, Set(0.625f), small, BitsToFloat(FloatToBits(large) | sign));
}

}  // namespace spate::cpu::SPATE_ISA_NS
