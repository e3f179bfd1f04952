// Kernels over rows of activations of one instruction set level (norms, rotation, sampling): plain function pointers,
// filled by kernels/rows.cc once per level.
#pragma once

namespace spate::cpu {

struct RowKernels {};

}  // namespace spate::cpu
