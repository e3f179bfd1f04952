#include "base/isa.h"

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "base/error.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace spate {
namespace {

#if defined(__x86_64__)
struct CpuidLeaf {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

CpuidLeaf Cpuid(unsigned leaf, unsigned subleaf) {
  CpuidLeaf out;
  if (__get_cpuid_count(leaf, subleaf, &out.a, &out.b, &out.c, &out.d) == 0) return {};
  return out;
}

// XCR0: which registers the operating system saves. Needs OSXSAVE.
unsigned ReadXcr0() {
  unsigned low = 0;
  unsigned high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

std::string BrandString() {
  if (Cpuid(0x80000000u, 0).a < 0x80000004u) return "";
  char text[49] = {};
  for (unsigned i = 0; i < 3; ++i) {
    const CpuidLeaf leaf = Cpuid(0x80000002u + i, 0);
    std::memcpy(text + 16 * i, &leaf, 16);
  }
  const std::string brand(text);
  const size_t first = brand.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return brand.substr(first, brand.find_last_not_of(' ') - first + 1);
}
#endif

// For processors that cannot name themselves.
std::string ModelFromProc() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (colon != std::string::npos && (line.starts_with("model name") || line.starts_with("Model"))) {
      return line.substr(colon + 2);
    }
  }
  return "unknown CPU";
}

std::string Available(Isa best) {
  std::string names(IsaName(Isa::kPortable));
  if (best >= Isa::kAvx2) names += ", avx2";
  if (best >= Isa::kAvx512) names += ", avx512";
  return names;
}

}  // namespace

std::string_view IsaName(Isa isa) {
  switch (isa) {
    case Isa::kPortable:
      return "portable";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
  }
  return "unknown";
}

CpuFeatures DetectCpuFeatures() {
  CpuFeatures features;
#if defined(__x86_64__)
  const CpuidLeaf basic = Cpuid(1, 0);
  const CpuidLeaf extended = Cpuid(7, 0);
  const CpuidLeaf extended1 = extended.a >= 1 ? Cpuid(7, 1) : CpuidLeaf{};
  const auto bit = [](unsigned word, int index) { return (word >> index & 1u) != 0; };
  const unsigned saved = bit(basic.c, 27) ? ReadXcr0() : 0;
  const bool ymm = (saved & 0x06u) == 0x06u && bit(basic.c, 28);  // XMM and YMM state, AVX
  const bool zmm = ymm && (saved & 0xe0u) == 0xe0u;               // opmask and both halves of ZMM

  features.fma = ymm && bit(basic.c, 12);
  features.f16c = ymm && bit(basic.c, 29);
  features.avx2 = ymm && bit(extended.b, 5);
  features.bmi2 = bit(extended.b, 8);
  features.avx_vnni = ymm && bit(extended1.a, 4);
  features.avx512f = zmm && bit(extended.b, 16);
  features.avx512dq = zmm && bit(extended.b, 17);
  features.avx512bw = zmm && bit(extended.b, 30);
  features.avx512vl = zmm && bit(extended.b, 31);
  features.avx512_vnni = zmm && bit(extended.c, 11);
  features.avx512_bf16 = zmm && bit(extended1.a, 5);
  features.model = BrandString();
#endif
  if (features.model.empty()) features.model = ModelFromProc();
  return features;
}

Isa BestIsa(const CpuFeatures& f) {
  if (!(f.avx2 && f.fma && f.f16c && f.bmi2)) return Isa::kPortable;
  const bool avx512 = f.avx512f && f.avx512bw && f.avx512vl && f.avx512dq;
  return avx512 ? Isa::kAvx512 : Isa::kAvx2;
}

Isa DetectIsa() { return BestIsa(DetectCpuFeatures()); }

Isa ChooseIsa() {
  const char* request = std::getenv("SPATE_ISA");
  return ChooseIsa(request == nullptr ? "" : request, DetectIsa());
}

Isa ChooseIsa(std::string_view request, Isa best) {
  if (request.empty()) return best;
  for (const Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}) {
    if (request != IsaName(isa)) continue;
    if (isa > best) {
      throw Error(ErrorCode::kEnvironment, "SPATE_ISA={}: this CPU or its operating system lacks it; there is {}",
                  request, Available(best));
    }
    return isa;
  }
  throw Error(ErrorCode::kUsage, "SPATE_ISA={:?}: expected portable, avx2 or avx512; this machine has {}",
              request.substr(0, 40), Available(best));
}

}  // namespace spate
