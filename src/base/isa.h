// Which instruction set level of the CPU kernels this machine can run. Values and pure functions.
#pragma once

#include <string>
#include <string_view>

namespace spate {

// Each level is everything that its kernels are compiled with (cmake/spate_isa.cmake): kAvx2 = AVX2, FMA, F16C, BMI2;
// kAvx512 = that and AVX-512 F, BW, VL, DQ. Where VNNI and BF16 are there too, their kernels are taken at the same
// level.
enum class Isa { kPortable, kAvx2, kAvx512 };

std::string_view IsaName(Isa isa);  // "portable", "avx2", "avx512": what SPATE_ISA takes

// What both the CPU and the operating system support (register state saved, XCR0).
struct CpuFeatures {
  bool avx2 = false, fma = false, f16c = false, bmi2 = false;
  bool avx512f = false, avx512bw = false, avx512vl = false, avx512dq = false;
  bool avx512_vnni = false, avx512_bf16 = false, avx_vnni = false;
  std::string model;  // "AMD EPYC 9B45"; "unknown CPU" where nothing says it
};

CpuFeatures DetectCpuFeatures();
Isa BestIsa(const CpuFeatures& features);
Isa DetectIsa();  // BestIsa of this machine

// SPATE_ISA where it is set, else DetectIsa(). Error(kUsage) for an unknown name, Error(kEnvironment) for a
// level that this machine lacks; both name what there is.
Isa ChooseIsa();
Isa ChooseIsa(std::string_view request, Isa best);  // "" = best

}  // namespace spate
