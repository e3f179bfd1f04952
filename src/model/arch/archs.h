// Every architecture this program knows. One file of this folder each (families that share a tensor layout share one).
#pragma once

#include "model/arch.h"

namespace spate {

extern const Arch kLlamaArch;
extern const Arch kMistralArch;
extern const Arch kQwen2Arch;

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
