// Residual add and norm of one row.
#include "backend/cpu/kernels/fill.h"
#include "backend/cpu/kernels/vec.h"

namespace spate::cpu::SPATE_ISA_NS {
namespace {

// Sum of term(i, n) over the vectors of a row, whose last has n < 16 lanes that count: term leaves the others zero.
// Four sums, so that the additions do not wait for each other; which value goes where follows from dim alone.
template <class Term>
SPATE_INLINE float SumOver(int64_t dim, Term term) {
  Vf sums[4] = {Zero(), Zero(), Zero(), Zero()};
  const int64_t whole = dim / kLanes * kLanes;
  int64_t i = 0;
  for (; i + 4 * kLanes <= whole; i += 4 * kLanes) {
    term(i, kLanes, sums[0]);
    term(i + kLanes, kLanes, sums[1]);
    term(i + 2 * kLanes, kLanes, sums[2]);
    term(i + 3 * kLanes, kLanes, sums[3]);
  }
  for (; i < whole; i += kLanes) term(i, kLanes, sums[0]);
  if (whole < dim) term(whole, static_cast<int>(dim - whole), sums[1]);
  return ReduceAdd((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

SPATE_INLINE Vf LoadUpTo(const float* p, int n) { return n == kLanes ? Load(p) : LoadN(p, n); }
SPATE_INLINE void StoreUpTo(float* p, Vf v, int n) {
  if (n == kLanes) {
    Store(p, v);
  } else {
    StoreN(p, v, n);
  }
}

// x + delta at i, which becomes x.
SPATE_INLINE Vf Residual(const NormArgs& args, int64_t i, int n) {
  Vf value = LoadUpTo(args.x + i, n);
  if (args.delta == nullptr) return value;
  value = value + LoadUpTo(args.delta + i, n);
  StoreUpTo(args.x + i, value, n);
  return value;
}

// out = normed(x) * w + bias, vector by vector.
template <class Normed>
SPATE_INLINE void WriteNormed(const NormArgs& args, Normed normed) {
  for (int64_t i = 0; i < args.dim; i += kLanes) {
    const int n = args.dim - i < kLanes ? static_cast<int>(args.dim - i) : kLanes;
    Vf y = normed(LoadUpTo(args.x + i, n)) * LoadUpTo(args.w + i, n);
    if (args.bias != nullptr) y = y + LoadUpTo(args.bias + i, n);
    StoreUpTo(args.out + i, y, n);
  }
}

SPATE_INLINE Vf InverseRoot(float squares, const NormArgs& args) {
  return Set(1.0f) / Sqrt(Set(squares / static_cast<float>(args.dim) + args.eps));
}

void AddRmsNorm(const NormArgs& args) {
  const float squares = SumOver(args.dim, [&](int64_t i, int n, Vf& sum) SPATE_LAMBDA {
    const Vf value = Residual(args, i, n);
    sum = Fma(value, value, sum);
  });
  const Vf scale = InverseRoot(squares, args);
  WriteNormed(args, [&](Vf value) SPATE_LAMBDA { return value * scale; });
}

void AddLayerNorm(const NormArgs& args) {
  const float total =
      SumOver(args.dim, [&](int64_t i, int n, Vf& sum) SPATE_LAMBDA { sum = sum + Residual(args, i, n); });
  const Vf mean = Set(total / static_cast<float>(args.dim));
  const float squares = SumOver(args.dim, [&](int64_t i, int n, Vf& sum) SPATE_LAMBDA {
    Vf distance = LoadUpTo(args.x + i, n) - mean;
    if (n < kLanes) distance = FirstN(distance, n);
    sum = Fma(distance, distance, sum);
  });
  const Vf scale = InverseRoot(squares, args);
  WriteNormed(args, [&](Vf value) SPATE_LAMBDA { return (value - mean) * scale; });
}

}  // namespace

void FillNorms(RowKernels& kernels) {
  kernels.add_rms_norm = AddRmsNorm;
  kernels.add_layer_norm = AddLayerNorm;
}

}  // namespace spate::cpu::SPATE_ISA_NS
