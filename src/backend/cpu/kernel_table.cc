#include "backend/cpu/kernel_table.h"

#include "base/check.h"

namespace spate::cpu {

// Each level's fill functions (kernels/fill.h), which this file sees once per level.
#define SPATE_DECLARE_LEVEL(name)                \
  namespace name {                               \
  void FillLinear(LinearKernels& kernels);       \
  void FillPeaks(PeakKernels& kernels);          \
  void FillAttention(AttentionKernels& kernels); \
  void FillExperts(ExpertKernels& kernels);      \
  void FillRows(RowKernels& kernels);            \
  void FillNorms(RowKernels& kernels);           \
  void FillSampling(RowKernels& kernels);        \
  }                                              \
  static KernelTable Fill_##name() {             \
    KernelTable table;                           \
    table.level = #name;                         \
    name::FillLinear(table.linear);              \
    name::FillPeaks(table.peaks);                \
    name::FillAttention(table.attention);        \
    name::FillExperts(table.experts);            \
    name::FillRows(table.rows);                  \
    name::FillNorms(table.rows);                 \
    name::FillSampling(table.rows);              \
    return table;                                \
  }

SPATE_DECLARE_LEVEL(portable)
#if defined(__x86_64__)
SPATE_DECLARE_LEVEL(avx2)
SPATE_DECLARE_LEVEL(avx512)
SPATE_DECLARE_LEVEL(avx512bf16)
#endif
#undef SPATE_DECLARE_LEVEL

const KernelTable& SelectKernels(Isa isa, const CpuFeatures& features) {
  switch (isa) {
    case Isa::kPortable:
      break;
#if defined(__x86_64__)
    case Isa::kAvx2: {
      static const KernelTable table = Fill_avx2();
      return table;
    }
    case Isa::kAvx512: {
      if (features.avx512_bf16 && features.avx512_vnni) {
        static const KernelTable table = Fill_avx512bf16();
        return table;
      }
      static const KernelTable table = Fill_avx512();
      return table;
    }
#else
    default:
      CHECK(false, "{} kernels are not in this build", IsaName(isa));
#endif
  }
  static const KernelTable table = Fill_portable();
  return table;
}

}  // namespace spate::cpu
