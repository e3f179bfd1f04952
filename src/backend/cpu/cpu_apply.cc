// CpuOps: construction, scratch and matrices.
#include <algorithm>

#include "backend/cpu/cpu_linear.h"
#include "backend/cpu/cpu_ops.h"
#include "base/check.h"
#include "base/math_util.h"

namespace spate::cpu {
namespace {

// Rows start at a cache line.
int64_t Stride(int64_t cols) { return AlignUp(cols, 16); }

AlignedBuffer MakeScratch(const OpsConfig& config, Buf id) {
  int64_t rows = config.max_tokens;
  int64_t cols = config.dim;
  switch (id) {
    case Buf::kResidual:
    case Buf::kNormed:
    case Buf::kBranch:
    case Buf::kShared:
      break;
    case Buf::kQkv:
      cols = config.max_qkv;
      break;
    case Buf::kMixed:
      cols = config.max_mixed;
      break;
    case Buf::kHidden:
      cols = config.max_hidden;
      break;
    case Buf::kGathered:
      rows = config.max_outputs;
      break;
    case Buf::kLogits:
      rows = config.max_outputs;
      cols = config.vocab;
      break;
    case Buf::kCount:
      break;
  }
  return AlignedBuffer(static_cast<size_t>(rows * Stride(cols)) * sizeof(float));
}

}  // namespace

CpuOps::CpuOps(const OpsConfig& config, const KernelTable& kernels, ThreadPool& pool)
    : config_(config),
      kernels_(kernels),
      pool_(pool),
      table_row_(static_cast<size_t>(Stride(config.dim)) * sizeof(float)),
      linear_(kernels.linear, pool, std::max(config.max_tokens, config.max_outputs),
              std::max({config.dim, config.max_mixed, config.max_hidden})),
      experts_(config, kernels, linear_, pool),
      attention_(config, kernels, pool),
      sampler_(config, kernels.rows, pool) {
  for (size_t i = 0; i < scratch_.size(); ++i) scratch_[i] = MakeScratch(config, static_cast<Buf>(i));
}

Mat CpuOps::Scratch(Buf id, int rows, int cols) {
  AlignedBuffer& buffer = scratch_[static_cast<size_t>(id)];
  const int64_t stride = Stride(cols);
  CHECK(rows >= 0 && cols >= 0 && static_cast<size_t>(rows * stride) * sizeof(float) <= buffer.size(),
        "buffer {}: [{}, {}] was not planned", static_cast<int>(id), rows, cols);
  return {.data = buffer.data(), .rows = rows, .cols = cols, .stride = stride, .dtype = DType::kF32};
}

void CpuOps::Apply(const Linear& w, Mat x, Mat out, const Epilogue& epilogue) {
  linear_.Apply(static_cast<const CpuLinear&>(w), x, out, epilogue);
}

}  // namespace spate::cpu
