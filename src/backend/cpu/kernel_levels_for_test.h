// The kernel tables that this machine can run, for tests that are parameterised by level.
#pragma once

#include <string>
#include <vector>

#include "backend/cpu/kernel_table.h"

namespace spate::cpu {

inline std::vector<const KernelTable*> RunnableKernels() {
  const CpuFeatures features = DetectCpuFeatures();
  std::vector<const KernelTable*> tables = {&SelectKernels(Isa::kPortable, features)};
  if (features.avx2 && features.fma && features.f16c && features.bmi2) {
    tables.push_back(&SelectKernels(Isa::kAvx2, features));
    if (features.avx512f && features.avx512bw && features.avx512vl && features.avx512dq) {
      CpuFeatures without = features;
      without.avx512_bf16 = false;
      tables.push_back(&SelectKernels(Isa::kAvx512, without));
      if (features.avx512_bf16 && features.avx512_vnni) tables.push_back(&SelectKernels(Isa::kAvx512, features));
    }
  }
  return tables;
}

// For INSTANTIATE_TEST_SUITE_P: the level as a test's name.
struct LevelName {
  template <class Info>
  std::string operator()(const Info& info) const {
    return std::string(info.param->level);
  }
};

}  // namespace spate::cpu
