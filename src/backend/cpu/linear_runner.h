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
#include "backend/cpu/linear_task.h"
#include "backend/ops.h"
#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "base/work_ranges.h"

namespace spate::cpu {

class LinearRunner {
 public:
  // max_tokens: rows of x; max_cols: the widest matrix.
  LinearRunner(const LinearKernels& kernels, ThreadPool& pool, int64_t max_tokens, int64_t max_cols);

  // As Ops::Apply.
  void Apply(const CpuLinear& w, const Mat& x, const Mat& out, const Epilogue& epilogue) noexcept;

 private:
  // Where the kernels find the activations.
  enum class Source : uint8_t {
    kInPlace,    // they read f32 rows as they are
    kShared,     // converted once, by all threads together, before a barrier
    kPerThread,  // few rows: every thread converts them for itself, which is cheaper than a barrier
  };

  // One segment, whose columns of the result are `out`.
  void ApplyPacked(const PackedMatrix& w, const Mat& x, const Mat& out, const Epilogue& epilogue) noexcept;
  void RunThread(const LinearJob& job, Source source, int thread, int threads) noexcept;
  // The tasks of one thread: all tokens at once, or many tokens, with the next task's weights fetched meanwhile.
  void RunOnePass(const LinearJob& job, int thread, const std::byte* x, float* acc) noexcept;
  void RunBlocked(const LinearJob& job, const std::byte* x, float* acc) noexcept;
  // The tasks of one thread with weights in a block format.
  void RunBlockFormat(const LinearJob& job, int thread, const std::byte* x, float* acc) noexcept;

  const LinearKernels& kernels_;
  ThreadPool& pool_;
  const int64_t max_tokens_;
  const int64_t token_bytes_;                // of converted activations, from row to row
  AlignedBuffer shared_;                     // [max_tokens] rows
  std::vector<AlignedBuffer> per_thread_;    // [threads][kFewTokens] rows
  std::vector<AlignedBuffer> accumulators_;  // [threads][kTaskAccumulators] f32
  std::vector<AlignedBuffer> unpacked_;      // [threads][kUnpackedScratch]
  ChunkCounter tasks_;                       // many tokens, plain formats
  WorkRanges stream_;                        // tasks whose weights are read from memory once
};

}  // namespace spate::cpu
