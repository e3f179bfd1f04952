// ExpertProduct: every expert's matrix times the rows of its group, as one pool of tasks for all threads. An expert's
// matrix is read once per step while the rows of its group fit a kernel, and once per block of rows beyond. Planned at
// construction; one thread calls Reset, then all threads call Run.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/cpu/expert_choice.h"
#include "backend/cpu/expert_stack.h"
#include "backend/cpu/linear_kernels.h"
#include "base/work_ranges.h"

namespace spate::cpu {

// Rows of scratch, one per choice.
struct ExpertRows {
  ExpertRows(std::byte* memory, int64_t cols) : data(memory), row_bytes(RowBytes(cols)) {}
  // A cache line more than a power of two: else all rows of a kernel share one set of the cache.
  static int64_t RowBytes(int64_t cols);

  std::byte* At(int64_t row) const { return data + row * row_bytes; }
  float* F32(int64_t row) const { return reinterpret_cast<float*>(At(row)); }

  std::byte* data;
  int64_t row_bytes;
};

class ExpertProduct {
 public:
  ExpertProduct(int threads, int max_experts);

  struct Job {
    const Linear* stack = nullptr;
    int experts = 0;
    std::span<const ExpertGroups::Group> groups;
    const ExpertRows* x = nullptr;    // as ConvertRow left them
    const ExpertRows* out = nullptr;  // f32
    FinishFn finish = nullptr;
  };
  // Where no thread runs it. What the job names stays until all have.
  void Reset(const Job& job, int threads) noexcept;
  // This thread's tasks. acc, unpacked: scratch of kTaskAccumulators floats and kUnpackedScratch bytes.
  void Run(int thread, float* acc, std::byte* unpacked) noexcept;

 private:
  Job job_;
  std::vector<int64_t> first_task_;  // [groups + 1]
  WorkRanges tasks_;
};

}  // namespace spate::cpu
