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

extern const Arch kFalconArch;
extern const Arch kRwArch;
extern const Arch kChatGlmArch;
extern const Arch kChatGlmConditionalArch;
extern const Arch kGlmArch;
extern const Arch kGlm4Arch;
extern const Arch kGpt2Arch;
extern const Arch kGptBigCodeArch;
extern const Arch kGptNeoxArch;
extern const Arch kGptNeoArch;
extern const Arch kGptJArch;
extern const Arch kBloomArch;
extern const Arch kOptArch;
extern const Arch kMptArch;
extern const Arch kMptNewArch;
extern const Arch kStarcoder2Arch;
extern const Arch kOlmoArch;
extern const Arch kOlmo2Arch;
extern const Arch kStableLmArch;
extern const Arch kStableLmEpochArch;
extern const Arch kInternLm2Arch;
extern const Arch kBaichuanArch;
extern const Arch kBaichuan1Arch;
extern const Arch kNemotronArch;

}  // namespace spate
