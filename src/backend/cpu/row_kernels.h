// Kernels over one row of activations or logits, of one instruction set level: plain function pointers, filled by
// kernels/rows.cc and kernels/sampling.cc once per level. Every result depends on its own row alone.
#pragma once

#include <cstdint>

namespace spate::cpu {

inline constexpr int64_t kMaximaBlock = 64;  // values that share a maximum

struct RowKernels {
  // x += delta (null = none); out = x / sqrt(mean(x^2) + eps) * w. out may be x.     all [dim]
  void (*add_rms_norm)(const float* w, float eps, const float* delta, float* x, float* out, int64_t dim) = nullptr;

  // Rotates the first 2 * pairs values of a head and copies the rest.                in, out [head_dim]
  void (*rotate_half)(const float* in, const float* cos, const float* sin, int pairs, int head_dim,
                      float* out) = nullptr;
  void (*rotate_interleaved)(const float* in, const float* cos, const float* sin, int pairs, int head_dim,
                             float* out) = nullptr;

  // Sampling. NaN counts as -infinity and +infinity as the largest finite number.

  // The largest value and the lowest index that has it; -infinity and 0 when there is no other value.
  struct Best {
    float value;
    int64_t index;
  };
  Best (*best)(const float* x, int64_t count) = nullptr;
  // weights[i] = e^((x[i] - max) * factor), 0 where that is below `floor`; returns their sum. weights may be null.
  double (*weigh)(const float* x, int64_t count, float max, float factor, float floor, float* weights) = nullptr;
  // Sum of the weights that are at least `floor`.
  double (*sum_at_least)(const float* weights, int64_t count, float floor) = nullptr;
  // maxima[i] = the largest of x[i * kMaximaBlock ...].                              maxima [ceil(count /
  // kMaximaBlock)]
  void (*block_maxima)(const float* x, int64_t count, float* maxima) = nullptr;
  // Indices of values that are at least `threshold`, ascending; returns how many.    indices [count]
  int64_t (*collect)(const float* x, int64_t count, float threshold, int32_t* indices) = nullptr;
};

}  // namespace spate::cpu
