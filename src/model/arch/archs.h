// Every architecture this program knows. One file of this folder each (families that share a tensor layout share one),
// and a line in archs.inc.
#pragma once

#include "model/arch.h"

namespace spate {

#define SPATE_ARCH(arch) extern const Arch arch;
#include "model/arch/archs.inc"
#undef SPATE_ARCH

}  // namespace spate
