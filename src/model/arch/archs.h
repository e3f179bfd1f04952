// Every architecture this program knows. One file of this folder each (families that share a tensor layout share one).
#pragma once

#include "model/arch.h"

namespace spate {

extern const Arch kLlamaArch;
extern const Arch kMistralArch;
extern const Arch kMixtralArch;
extern const Arch kQwen2Arch;
extern const Arch kQwen3Arch;
extern const Arch kQwen2MoeArch;
extern const Arch kQwen3MoeArch;
extern const Arch kGemmaArch;
extern const Arch kGemma2Arch;
extern const Arch kGemma3Arch;
extern const Arch kGemma3TextArch;
extern const Arch kPhiArch;
extern const Arch kPhi3Arch;
extern const Arch kGraniteArch;
extern const Arch kGraniteMoeArch;
extern const Arch kGraniteMoeSharedArch;
extern const Arch kSeedOssArch;
extern const Arch kErnieArch;
extern const Arch kHeliumArch;
extern const Arch kArceeArch;
extern const Arch kSmolLm3Arch;
extern const Arch kCohereArch;
extern const Arch kCohere2Arch;
extern const Arch kMiniCpmArch;
extern const Arch kMistral3Arch;

}  // namespace spate
