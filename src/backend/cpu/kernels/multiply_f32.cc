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
  FillTokens<F32Format, 1, 12>(format);
  FillTokens<F32Format, 2, 12>(format);
  FillTokens<F32Format, 3, 6>(format);
  FillTokens<F32Format, 4, 6>(format);
  SetShapes(format, 4, 6);
#elif defined(__AVX2__)
  FillTokens<F32Format, 1, 6>(format);
  FillTokens<F32Format, 2, 2>(format);
  FillTokens<F32Format, 3, 1>(format);
  FillTokens<F32Format, 4, 1>(format);
  SetShapes(format, 1, 6);
#else
  FillTokens<F32Format, 1, 2>(format);
  SetShapes(format, 1, 2);
#endif
}

}  // namespace spate::cpu::SPATE_ISA_NS
