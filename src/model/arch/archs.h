// Every architecture this program knows. One file of this folder each (families that share a tensor layout share one).
#pragma once

#include "model/arch.h"

namespace spate {

extern const Arch kLlamaArch;
extern const Arch kMistralArch;
extern const Arch kQwen2Arch;

}  // namespace spate
