// Every CPU kernel of one instruction set level, as function pointers. kernels/*.cc are compiled once per level
// (cmake/spate_isa.cmake) into namespace spate::cpu::<level>; SelectKernels picks the level at start. Immutable, static
// storage, any thread.
#pragma once

#include <string_view>

#include "backend/cpu/attention_kernels.h"
#include "backend/cpu/expert_kernels.h"
#include "backend/cpu/linear_kernels.h"
#include "backend/cpu/peak_kernels.h"
#include "backend/cpu/row_kernels.h"
#include "base/isa.h"

namespace spate::cpu {

struct KernelTable {
  std::string_view level;  // "portable", "avx2", "avx512", "avx512bf16"
  LinearKernels linear;
  AttentionKernels attention;
  ExpertKernels experts;
  RowKernels rows;
  PeakKernels peaks;
};

// The kernels for `isa` on a CPU with `features`. avx512 has two sets: with and without the bf16 and vnni instructions.
const KernelTable& SelectKernels(Isa isa, const CpuFeatures& features);

}  // namespace spate::cpu
