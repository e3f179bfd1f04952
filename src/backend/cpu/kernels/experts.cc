// Rows of experts into one row.
#include "backend/cpu/kernels/fill.h"
#include "backend/cpu/kernels/vec.h"

namespace spate::cpu::SPATE_ISA_NS {
namespace {

void WeightedSum(const WeightedSumArgs& args) {
  const Vf scale = Set(args.scale);
  const auto sum_at = [&](int64_t i, int n) SPATE_LAMBDA {
    Vf sum = Zero();
    for (int r = 0; r < args.count; ++r) {
      const Vf row = n == kLanes ? Load(args.rows[r] + i) : LoadN(args.rows[r] + i, n);
      sum = Fma(Set(args.weights[r]), row, sum);
    }
    return sum;
  };
  int64_t i = 0;
  for (; i + kLanes <= args.columns; i += kLanes) {
    const Vf sum = sum_at(i, kLanes);
    Store(args.out + i, args.add ? Fma(scale, sum, Load(args.out + i)) : scale * sum);
  }
  const int tail = static_cast<int>(args.columns - i);
  if (tail == 0) return;
  const Vf sum = sum_at(i, tail);
  StoreN(args.out + i, args.add ? Fma(scale, sum, LoadN(args.out + i, tail)) : scale * sum, tail);
}

}  // namespace

void FillExperts(ExpertKernels& kernels) { kernels.weighted_sum = WeightedSum; }

}  // namespace spate::cpu::SPATE_ISA_NS
