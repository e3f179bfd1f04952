// ExpertStack: matrices of equal shape, one per expert of a mixture, each packed as a matrix of its own. Immutable; any
// thread may read it. The Device that packed it must outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "backend/cpu/cpu_linear.h"
#include "backend/linear.h"

namespace spate::cpu {

class ExpertStack final : public Linear {
 public:
  // spec.experts >= 2; the parts (and biases) of each expert back to back. Packs with all threads of the pool; throws
  // Error as CpuLinear does.
  ExpertStack(const LinearSource& source, const LinearSpec& spec, const LinearKernels& kernels, ThreadPool& pool);

  int64_t bytes() const override;  // of all experts

  int experts() const { return static_cast<int>(experts_.size()); }
  const PackedMatrix& expert(int e) const { return experts_[static_cast<size_t>(e)]->segments().front(); }

 private:
  std::vector<std::unique_ptr<CpuLinear>> experts_;
};

// Expert e of what a device packed for a mixture of `experts`; a mixture of one is no stack.
const PackedMatrix& ExpertOf(const Linear& linear, int experts, int e);

}  // namespace spate::cpu
