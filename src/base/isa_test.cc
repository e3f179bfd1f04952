#include "base/isa.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace spate {
namespace {

CpuFeatures Everything() {
  CpuFeatures f;
  for (bool* flag : {&f.avx2, &f.fma, &f.f16c, &f.bmi2, &f.avx512f, &f.avx512bw, &f.avx512vl, &f.avx512dq,
                     &f.avx512_vnni, &f.avx512_bf16}) {
    *flag = true;
  }
  return f;
}

TEST(Isa, EveryFeatureOfALevelIsNeeded) {
  EXPECT_EQ(BestIsa(Everything()), Isa::kAvx512);
  EXPECT_EQ(BestIsa({}), Isa::kPortable);
  for (bool CpuFeatures::*flag :
       {&CpuFeatures::avx512f, &CpuFeatures::avx512bw, &CpuFeatures::avx512vl, &CpuFeatures::avx512dq}) {
    CpuFeatures f = Everything();
    f.*flag = false;
    EXPECT_EQ(BestIsa(f), Isa::kAvx2);
  }
  for (bool CpuFeatures::*flag : {&CpuFeatures::avx2, &CpuFeatures::fma, &CpuFeatures::f16c, &CpuFeatures::bmi2}) {
    CpuFeatures f = Everything();
    f.*flag = false;
    EXPECT_EQ(BestIsa(f), Isa::kPortable);
  }
}

TEST(Isa, RequestsAreObeyedOrRefusedInOneLine) {
  EXPECT_EQ(ChooseIsa("", Isa::kAvx2), Isa::kAvx2);
  EXPECT_EQ(ChooseIsa("portable", Isa::kAvx512), Isa::kPortable);
  EXPECT_EQ(ChooseIsa("avx2", Isa::kAvx512), Isa::kAvx2);
  EXPECT_EQ(ChooseIsa("avx512", Isa::kAvx512), Isa::kAvx512);
  try {
    ChooseIsa("avx512", Isa::kAvx2);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kEnvironment);
    EXPECT_STREQ(error.what(), "SPATE_ISA=avx512: this CPU or its operating system lacks it; there is portable, avx2");
  }
  try {
    ChooseIsa("sse\n9", Isa::kPortable);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_STREQ(error.what(), "SPATE_ISA=\"sse\\n9\": expected portable, avx2 or avx512; this machine has portable");
  }
}

TEST(Isa, EnvironmentForces) {
  setenv("SPATE_ISA", "portable", 1);
  EXPECT_EQ(ChooseIsa(), Isa::kPortable);
  setenv("SPATE_ISA", "pdp11", 1);
  EXPECT_THROW(ChooseIsa(), Error);
  unsetenv("SPATE_ISA");
  EXPECT_EQ(ChooseIsa(), DetectIsa());
}

TEST(Isa, AgreesWithTheCompilersRuntime) {
  const CpuFeatures f = DetectCpuFeatures();
  EXPECT_FALSE(f.model.empty());
#if defined(__x86_64__)
  EXPECT_EQ(f.avx2, __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ(f.fma, __builtin_cpu_supports("fma") != 0);
  EXPECT_EQ(f.bmi2, __builtin_cpu_supports("bmi2") != 0);
  EXPECT_EQ(f.avx512f, __builtin_cpu_supports("avx512f") != 0);
  EXPECT_EQ(f.avx512bw, __builtin_cpu_supports("avx512bw") != 0);
  EXPECT_EQ(f.avx512vl, __builtin_cpu_supports("avx512vl") != 0);
  EXPECT_EQ(f.avx512dq, __builtin_cpu_supports("avx512dq") != 0);
  EXPECT_EQ(f.avx512_vnni, __builtin_cpu_supports("avx512vnni") != 0);
  EXPECT_EQ(f.avx512_bf16, __builtin_cpu_supports("avx512bf16") != 0);
#endif
}

}  // namespace
}  // namespace spate
