#include "backend/cpu/expert_stack.h"

#include <exception>

#include "base/check.h"

namespace spate::cpu {
namespace {

int64_t CountRows(const LinearSource& source) {
  int64_t rows = 0;
  for (const MatrixView& part : source.parts) rows += part.rows;
  return rows;
}

// The parts and biases of expert e.
LinearSource SourceOf(const LinearSource& source, const LinearSpec& spec, size_t e) {
  const size_t parts = source.parts.size() / static_cast<size_t>(spec.experts);
  LinearSource own{.parts = source.parts.subspan(e * parts, parts), .bias = {}};
  if (!source.bias.empty()) own.bias = source.bias.subspan(e * parts, parts);
  return own;
}

}  // namespace

ExpertStack::ExpertStack(const LinearSource& source, const LinearSpec& spec, const LinearKernels& kernels,
                         ThreadPool& pool)
    : Linear(CountRows(source), source.parts.front().cols, spec.format) {
  CHECK(spec.experts >= 2 && source.parts.size() % static_cast<size_t>(spec.experts) == 0, "{} parts of {} experts",
        source.parts.size(), spec.experts);
  CHECK(source.bias.empty() || source.bias.size() == source.parts.size());
  const auto experts = static_cast<size_t>(spec.experts);
  LinearSpec one = spec;
  one.experts = 1;
  const auto pack = [&](size_t e, ThreadPool& with) {
    return std::make_unique<CpuLinear>(SourceOf(source, spec, e), one, kernels, with);
  };
  experts_.resize(experts);

  // Many small experts: each by one thread. Few large ones: each by all threads, piece by piece.
  const MatrixView& first = source.parts.front();
  if (spec.experts <= first.rows / RowsPerRead(first.row_bytes)) {
    for (size_t e = 0; e < experts; ++e) experts_[e] = pack(e, pool);
  } else {
    std::vector<std::exception_ptr> failures(experts);
    pool.ParallelFor(0, spec.experts, 1, [&](int64_t e, int64_t /*end*/, int /*thread*/) {
      ThreadPool alone(1);
      try {
        experts_[static_cast<size_t>(e)] = pack(static_cast<size_t>(e), alone);
      } catch (...) {
        failures[static_cast<size_t>(e)] = std::current_exception();
      }
    });
    for (const std::exception_ptr& failure : failures) {
      if (failure) std::rethrow_exception(failure);
    }
  }
  for (const auto& expert : experts_) {
    CHECK(expert->rows() == rows() / spec.experts, "experts differ in shape");
    CHECK(expert->segments().size() == 1, "an expert of several parts");
  }
}

int64_t ExpertStack::bytes() const {
  int64_t bytes = 0;
  for (const auto& expert : experts_) bytes += expert->bytes();
  return bytes;
}

const PackedMatrix& ExpertOf(const Linear& linear, int experts, int e) {
  if (experts == 1) return static_cast<const CpuLinear&>(linear).segments().front();
  return static_cast<const ExpertStack&>(linear).expert(e);
}

}  // namespace spate::cpu
