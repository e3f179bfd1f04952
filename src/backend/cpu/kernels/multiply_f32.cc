// f32 weights times f32 activations.
#include "backend/cpu/kernels/fill.h"
#include "backend/cpu/kernels/multiply.h"

namespace spate::cpu::SPATE_ISA_NS {
namespace {

struct F32Format {
  static constexpr int kWeightBytes = 64;
  static constexpr int kActivationBytes = 4;
  static constexpr bool kFetches = true;
  using W = Vf;
  using X = Vf;
  SPATE_INLINE W LoadW(const std::byte* p) { return Load(reinterpret_cast<const float*>(p)); }
  SPATE_INLINE X LoadX(const std::byte* p) { return Set(*reinterpret_cast<const float*>(p)); }
  SPATE_INLINE Vf Accumulate(Vf acc, const W& w, const X& x) { return Fma(w, x, acc); }
};

// What an unpacking kernel has just made.
struct F32InCache : F32Format {
  static constexpr bool kFetches = false;
};

template <class Format>
void Fill(LinearKernels::Format& format) {
  format.activation = LinearKernels::Activation::kF32;
#if defined(__AVX512F__)
  SetShapes<Format, 4, 6, 6>(format);
#elif defined(__AVX2__)
  SetShapes<Format, 1, 6, 1>(format);
#else
  SetShapes<Format, 1, 2, 0>(format);
#endif
}

}  // namespace

void FillF32(LinearKernels::Format& format) { Fill<F32Format>(format); }
void FillF32InCache(LinearKernels::Format& format) { Fill<F32InCache>(format); }

}  // namespace spate::cpu::SPATE_ISA_NS
