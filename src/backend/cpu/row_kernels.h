// Kernels over one row of activations or logits, of one instruction set level: plain function pointers, filled by
// kernels/rows.cc and kernels/sampling.cc once per level. Every result depends on its own row alone.
#pragma once

#include <cstdint>

namespace spate::cpu {

inline constexpr int64_t kMaximaBlock = 64;  // values that share a maximum

// x += delta; out = norm(x) * w + bias.                                             all [dim]
struct NormArgs {
  const float* w;
  const float* bias;   // null = none
  const float* delta;  // null = none
  float eps;
  float* x;
  float* out;  // may be x
  int64_t dim;
};
using NormFn = void (*)(const NormArgs& args);

struct RowKernels {
  NormFn add_rms_norm = nullptr;    // norm(x) = x / sqrt(mean(x^2) + eps)
  NormFn add_layer_norm = nullptr;  // norm(x) = (x - mean(x)) / sqrt(variance(x) + eps), the mean first

  // x += delta.                                                                      delta, x [count]
  void (*add)(const float* delta, float* x, int64_t count) = nullptr;
  // x = cap tanh(x / cap).                                                           x [count]
  void (*softcap)(float cap, float* x, int64_t count) = nullptr;
  // out = x clamped to +- limit. out may be x.                                       x, out [count]
  void (*clip)(float limit, const float* x, float* out, int64_t count) = nullptr;

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
