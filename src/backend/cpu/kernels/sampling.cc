// Passes over a row of logits. NaN counts as -infinity, +infinity as the largest finite number.
#include "backend/cpu/kernels/fill.h"
#include "backend/cpu/kernels/vec.h"

namespace spate::cpu::SPATE_ISA_NS {
namespace {

constexpr float kMinusInfinity = -__builtin_inff();
constexpr float kLargest = __FLT_MAX__;

// Unordered lanes: Max and Min return their second argument.
SPATE_INLINE Vf MaxOf(const float* x, Vf max) { return Max(Load(x), max); }

float Maximum(const float* x, int64_t count) {
  Vf max[4] = {Set(kMinusInfinity), Set(kMinusInfinity), Set(kMinusInfinity), Set(kMinusInfinity)};
  int64_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
    max[0] = MaxOf(x + i, max[0]);
    max[1] = MaxOf(x + i + kLanes, max[1]);
    max[2] = MaxOf(x + i + 2 * kLanes, max[2]);
    max[3] = MaxOf(x + i + 3 * kLanes, max[3]);
  }
  float best = ReduceMax(Max(Max(max[0], max[1]), Max(max[2], max[3])));
  for (; i < count; ++i) best = x[i] > best ? x[i] : best;
  return best;
}

// The lowest index with x[i] >= value, or count.
int64_t FirstAtLeast(const float* x, int64_t count, float value) {
  const Vf wanted = Set(value);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const uint32_t mask = MaskAtLeast(Load(x + i), wanted);
    if (mask != 0) return i + __builtin_ctz(mask);
  }
  for (; i < count; ++i) {
    if (x[i] >= value) return i;
  }
  return count;
}

RowKernels::Best FindBest(const float* x, int64_t count) {
  const float max = Maximum(x, count);
  if (!(max > kMinusInfinity)) return {kMinusInfinity, 0};
  const float value = max < kLargest ? max : kLargest;
  return {value, FirstAtLeast(x, count, value)};
}

double Weigh(const float* x, int64_t count, float max, float factor, float floor, float* weights) {
  // Sums of doubles, so that the draw agrees with the definition to the last bits of an f32.
  double sums[kLanes] = {};
  const Vf largest = Set(kLargest);
  const Vf lowest = Set(kMinusInfinity);
  const auto weigh = [&](Vf value) SPATE_LAMBDA {
    value = Min(largest, value);
    const Vf weight = Exp((value - Set(max)) * Set(factor));
    return IfLess(lowest, value, IfLess(weight, Set(floor), Zero(), weight), Zero());
  };
  alignas(64) float lanes[kLanes];
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Vf weight = weigh(Load(x + i));
    if (weights != nullptr) Store(weights + i, weight);
    Store(lanes, weight);
    for (int lane = 0; lane < kLanes; ++lane) sums[lane] += static_cast<double>(lanes[lane]);
  }
  if (i < count) {
    const int rest = static_cast<int>(count - i);
    const Vf weight = weigh(LoadN(x + i, rest));
    if (weights != nullptr) StoreN(weights + i, weight, rest);
    Store(lanes, weight);
    for (int lane = 0; lane < rest; ++lane) sums[lane] += static_cast<double>(lanes[lane]);
  }
  double sum = 0;
  for (int lane = 0; lane < kLanes; ++lane) sum += sums[lane];
  return sum;
}

void BlockMaxima(const float* x, int64_t count, float* maxima) {
  for (int64_t i = 0; i < count; i += kMaximaBlock) {
    *maxima++ = Maximum(x + i, count - i < kMaximaBlock ? count - i : kMaximaBlock);
  }
}

int64_t Collect(const float* x, int64_t count, float threshold, int32_t* indices) {
  const Vf wanted = Set(threshold);
  int64_t found = 0;
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (uint32_t mask = MaskAtLeast(Load(x + i), wanted); mask != 0; mask &= mask - 1) {
      indices[found++] = static_cast<int32_t>(i + __builtin_ctz(mask));
    }
  }
  for (; i < count; ++i) {
    if (x[i] >= threshold) indices[found++] = static_cast<int32_t>(i);
  }
  return found;
}

}  // namespace

void FillSampling(RowKernels& kernels) {
  kernels.best = FindBest;
  kernels.weigh = Weigh;
  kernels.block_maxima = BlockMaxima;
  kernels.collect = Collect;
}

}  // namespace spate::cpu::SPATE_ISA_NS
