// Activations and tanh of a vector. For kernels/*.cc only, as vec.h. Error bounds count an Exp within 2e-7 and
// roundings of 2^-24 each; polynomials have the least relative error on their interval, coefficients rounded to f32.
#pragma once

#include "backend/cpu/kernels/vec.h"
#include "backend/op_params.h"

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

// x / (1 + e^-2u), u = sqrt(2 / pi) (x + 0.044715 x^3), which is x (1 + tanh u) / 2 without its cancellation below
// zero. Relative error below 2^-20 + |u| 2^-21: an exponent of 2|u| is off by 4 roundings.
SPATE_INLINE Vf GeluTanh(Vf x) {
  const Vf cubic = Fma(x * x * Set(0.044715f), x, x);
  return x / (Set(1.0f) + Exp(Set(-1.5957691216f) * cubic));
}

// x Phi(x) for the normal distribution Phi, which is x (1 + erf(x / sqrt 2)) / 2 without its cancellation below zero.
// Phi(-|x|) = e^(-x^2 / 2) s P(s), s = 1 / (1 + 0.3 |x|), within 3.5e-9 of its value up to |x| = 13.5, where the exp
// has become 0. Relative error below 2^-20 + x^2 2^-24: the exponent x^2 / 2 is off by one rounding, doubled.
SPATE_INLINE Vf GeluErf(Vf x) {
  const Vf s = Set(1.0f) / Fma(Set(0.3f), Abs(x), Set(1.0f));
  Vf p = Set(-0x1.516c36p-6f);
  p = Fma(p, s, Set(0x1.cbdf36p-4f));
  p = Fma(p, s, Set(-0x1.d291e0p-3f));
  p = Fma(p, s, Set(0x1.87a594p-3f));
  p = Fma(p, s, Set(-0x1.435b83p-4f));
  p = Fma(p, s, Set(0x1.88c140p-4f));
  p = Fma(p, s, Set(0x1.417c2cp-4f));
  p = Fma(p, s, Set(0x1.c36f08p-4f));
  p = Fma(p, s, Set(0x1.e9c714p-4f));
  p = Fma(p, s, Set(0x1.ea3c6ep-4f));
  const Vf below = Exp(Set(-0.5f) * (x * x)) * (s * p);
  return x * IfLess(x, Zero(), below, Set(1.0f) - below);
}

template <Act kAct>
SPATE_INLINE Vf Activate(Vf x) {
  if constexpr (kAct == Act::kSilu) return Silu(x);
  if constexpr (kAct == Act::kGeluErf) return GeluErf(x);
  if constexpr (kAct == Act::kGeluTanh) return GeluTanh(x);
  const Vf positive = Max(Zero(), x);  // NaN stays: Max returns its second argument then
  return kAct == Act::kReluSquared ? positive * positive : positive;
}

}  // namespace spate::cpu::SPATE_ISA_NS
