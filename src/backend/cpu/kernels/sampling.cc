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

// Sums in doubles, so that a draw agrees with the definition to the last bits of an f32. One sum per lane, in order.
struct Sums {
  double lanes[kLanes] = {};

  SPATE_LAMBDA void Add(Vf v) {
    alignas(64) float values[kLanes];
    Store(values, v);
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += static_cast<double>(values[lane]);
  }
  double Total() const {
    double total = 0;
    for (int lane = 0; lane < kLanes; ++lane) total += lanes[lane];
    return total;
  }
};

double Weigh(const float* x, int64_t count, float max, float factor, float floor, float* weights) {
  Sums sums;
  const Vf largest = Set(kLargest);
  const Vf lowest = Set(kMinusInfinity);
  const auto weigh = [&](Vf value) SPATE_LAMBDA {
    value = Min(largest, value);
    const Vf weight = Exp((value - Set(max)) * Set(factor));
    return IfLess(lowest, value, IfLess(weight, Set(floor), Zero(), weight), Zero());
  };
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Vf weight = weigh(Load(x + i));
    if (weights != nullptr) Store(weights + i, weight);
    sums.Add(weight);
  }
  if (i < count) {
    // The lanes behind the last value come from -infinity and weigh nothing.
    alignas(64) float rest[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) rest[lane] = i + lane < count ? x[i + lane] : kMinusInfinity;
    const Vf weight = weigh(Load(rest));
    if (weights != nullptr) StoreN(weights + i, weight, static_cast<int>(count - i));
    sums.Add(weight);
  }
  return sums.Total();
}

double SumAtLeast(const float* weights, int64_t count, float floor) {
  Sums sums;
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Vf weight = Load(weights + i);
    sums.Add(IfLess(weight, Set(floor), Zero(), weight));
  }
  if (i < count) {
    const Vf weight = LoadN(weights + i, static_cast<int>(count - i));
    sums.Add(IfLess(weight, Set(floor), Zero(), weight));
  }
  return sums.Total();
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
  kernels.sum_at_least = SumAtLeast;
  kernels.block_maxima = BlockMaxima;
  kernels.collect = Collect;
}

}  // namespace spate::cpu::SPATE_ISA_NS
