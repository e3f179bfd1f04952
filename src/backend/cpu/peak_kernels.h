// Loops that run one unit of the CPU as fast as it goes, for measuring what the machine can reach. Register-only except
// read. Filled by kernels/peaks.cc once per level.
#pragma once

#include <cstddef>
#include <cstdint>

namespace spate::cpu {

struct PeakKernels {
  uint64_t (*read)(const std::byte* data,
                   size_t bytes) = nullptr;  // one pass; returns a checksum so it cannot be dropped
  // `rounds` rounds of independent chains; returns the operations done, a multiply-add counted as two. Null = the level
  // has no such instruction. *sink keeps the results alive.
  double (*f32)(int64_t rounds, float* sink) = nullptr;
  double (*bf16)(int64_t rounds, float* sink) = nullptr;
  double (*int8)(int64_t rounds, float* sink) = nullptr;
};

}  // namespace spate::cpu
