// Kernels of mixtures of experts, of one instruction set level: plain function pointers, filled by kernels/experts.cc
// once per level. Every result depends on its own row alone.
#pragma once

#include <cstdint>

namespace spate::cpu {

// sum = rows[0] * weights[0] + rows[1] * weights[1] + ..., in this order; out = scale * sum, or out += scale * sum.
struct WeightedSumArgs {
  const float* const* rows;  // [count], each [columns]
  const float* weights;      // [count]
  int count;
  float scale;
  bool add;
  float* out;  // [columns]
  int64_t columns;
};

struct ExpertKernels {
  void (*weighted_sum)(const WeightedSumArgs& args) = nullptr;
};

}  // namespace spate::cpu
