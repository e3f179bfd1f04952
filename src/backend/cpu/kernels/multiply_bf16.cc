// bf16 weights times activations rounded to bf16, two k a step: one vdpbf16ps where the level has it, else two fused
// multiply-adds, the lower k first.
#include "backend/cpu/kernels/fill.h"
#include "backend/cpu/kernels/multiply.h"

namespace spate::cpu::SPATE_ISA_NS {
namespace {

#if defined(__AVX512BF16__)

struct Bf16Format {
  static constexpr int kWeightBytes = 64;
  static constexpr int kActivationBytes = 4;
  using W = __m512bh;
  using X = __m512bh;
  SPATE_INLINE W LoadW(const std::byte* p) { return (W)_mm512_loadu_si512(p); }
  SPATE_INLINE X LoadX(const std::byte* p) { return (X)_mm512_set1_epi32(*reinterpret_cast<const int32_t*>(p)); }
  SPATE_INLINE Vf Accumulate(Vf acc, const W& w, const X& x) { return {_mm512_dpbf16_ps(acc.c0, w, x)}; }
};
constexpr auto kActivation = LinearKernels::Activation::kBF16;

#else

struct Pair {
  Vf low, high;
};
struct Bf16Format {
  static constexpr int kWeightBytes = 64;
  static constexpr int kActivationBytes = 8;
  using W = Pair;
  using X = Pair;
  SPATE_INLINE W LoadW(const std::byte* p) {
    const Vi pairs = LoadI(p);
    return {BitsToFloat(ShiftLeft<16>(pairs)), BitsToFloat(pairs & SetI(static_cast<int32_t>(0xffff0000u)))};
  }
  SPATE_INLINE X LoadX(const std::byte* p) {
    const float* x = reinterpret_cast<const float*>(p);
    return {Set(x[0]), Set(x[1])};
  }
  SPATE_INLINE Vf Accumulate(Vf acc, const W& w, const X& x) { return Fma(w.high, x.high, Fma(w.low, x.low, acc)); }
};
constexpr auto kActivation = LinearKernels::Activation::kF32OfBF16;

#endif

}  // namespace

void FillBf16(LinearKernels::Format& format) {
  format.activation = kActivation;
#if defined(__AVX512BF16__)
  SetShapes<Bf16Format, 4, 6, 6>(format);
#elif defined(__AVX512F__)
  SetShapes<Bf16Format, 4, 5, 5>(format);
#elif defined(__AVX2__)
  SetShapes<Bf16Format, 1, 5, 1>(format);
#else
  SetShapes<Bf16Format, 1, 2, 0>(format);
#endif
}

}  // namespace spate::cpu::SPATE_ISA_NS
