// LinearRunner: applies packed matrices to activations with all threads of a pool. Owns the scratch that takes, planned
// for the largest request at construction; one caller at a time, like the Ops that owns it.
//
// A row of the result has the same bits whatever the other rows, the thread count and the shapes chosen here: each
// output has one accumulator over ascending k (linear_kernels.h), and no k is split over threads.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/cpu/cpu_linear.h"
#include "backend/cpu/linear_kernels.h"
#include "backend/ops.h"
#include "base/aligned_buffer.h"
#include "base/thread_pool.h"

namespace spate::cpu {

class LinearRunner {
 public:
  // max_tokens: rows of x; max_cols: the widest matrix.
  LinearRunner(const LinearKernels& kernels, ThreadPool& pool, int64_t max_tokens, int64_t max_cols);

  // As Ops::Apply.
  void Apply(const CpuLinear& w, const Mat& x, const Mat& out, const Epilogue& epilogue) noexcept;

 private:
  struct Job;      // one Apply
  struct Scratch;  // of one thread

  void RunThread(const Job& job, int thread) noexcept;
  void ConvertRow(const Job& job, int64_t row, std::byte* to) const;
  void RunTask(const Job& job, int64_t task, const std::byte* x, float* acc) const;

  const LinearKernels& kernels_;
  ThreadPool& pool_;
  const int64_t max_tokens_;
  const int64_t token_bytes_;  // of converted activations, from row to row
  AlignedBuffer activations_;  // [max_tokens] rows, shared, for many tokens
  std::vector<AlignedBuffer> thread_activations_;  // [threads][kFewTokens] rows, for few
  std::vector<AlignedBuffer> accumulators_;        // [threads][kBlockTokens][kTaskTiles * 16] f32
  ChunkCounter tasks_;
};

}  // namespace spate::cpu
