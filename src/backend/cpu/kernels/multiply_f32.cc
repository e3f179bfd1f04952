// f32 weights times f32 activations.
#include "backend/cpu/kernels/fill.h"
#include "backend/cpu/kernels/multiply.h"

namespace spate::cpu::SPATE_ISA_NS {
namespace {

struct F32Format {
  static constexpr int kWeightBytes = 64;
  static constexpr int kActivationBytes = 4;
  using W = Vf;
  using X = Vf;
  SPATE_INLINE W LoadW(const std::byte* p) { return Load(reinterpret_cast<const float*>(p)); }
  SPATE_INLINE X LoadX(const std::byte* p) { return Set(*reinterpret_cast<const float*>(p)); }
  SPATE_INLINE Vf Accumulate(Vf acc, const W& w, const X& x) { return Fma(w, x, acc); }
};

}  // namespace

void FillF32(LinearKernels::Format& format) {
  format.activation = LinearKernels::Activation::kF32;
#if defined(__AVX512F__)
  SetShapes<F32Format, 4, 6, 6>(format);
#elif defined(__AVX2__)
  SetShapes<F32Format, 1, 6, 1>(format);
#else
  SetShapes<F32Format, 1, 2, 0>(format);
#endif
}

}  // namespace spate::cpu::SPATE_ISA_NS
