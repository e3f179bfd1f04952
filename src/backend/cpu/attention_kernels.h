// Attention kernels of one instruction set level: plain function pointers, filled by kernels/attention.cc once per
// level.
#pragma once

namespace spate::cpu {

struct AttentionKernels {};

}  // namespace spate::cpu
