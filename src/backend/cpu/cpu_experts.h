// ExpertRunner: Ops::Experts and Ops::AddGated. Owns the scratch they take, planned at construction; one caller at a
// time, like the Ops that owns it. The LinearRunner, which applies routers and gates, must outlive it.
//
// A step's choices are grouped by expert, so that an expert's matrices are read once however many tokens use it: with
// few tokens straight from memory, with many as one product of all its rows. Each choice has a row of its own in every
// buffer, and a token's rows are summed at the end in the order of its choices. So its result depends neither on the
// other tokens nor on threads.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/cpu/expert_choice.h"
#include "backend/cpu/expert_product.h"
#include "backend/cpu/kernel_table.h"
#include "backend/cpu/linear_runner.h"
#include "backend/ops.h"
#include "base/aligned_buffer.h"
#include "base/thread_pool.h"

namespace spate::cpu {

class ExpertRunner {
 public:
  // Throws Error(kDoesNotFit) when the scratch does not fit into memory.
  ExpertRunner(const OpsConfig& config, const KernelTable& kernels, LinearRunner& linear, ThreadPool& pool);

  // As Ops::Experts and Ops::AddGated.
  void Run(const FfnSpec& spec, const Linear& router, const Linear& gate_up, const Linear& down, const Mat& x,
           const Mat& out, const Epilogue& epilogue) noexcept;
  void AddGated(const Linear& gate, const Mat& x, const Mat& delta, float scale, const Mat& out) noexcept;

 private:
  // Fills chosen_, weights_ and groups_.
  void Choose(const FfnSpec& spec, const Linear& router, const Mat& x) noexcept;
  // One thread's share of the sums of `results`.
  void Combine(int active, const ExpertRows& results, const Mat& out, const Epilogue& epilogue, int thread,
               int threads) noexcept;

  const KernelTable& kernels_;
  LinearRunner& linear_;
  ThreadPool& pool_;
  const int64_t max_tokens_;
  const int64_t max_active_;
  AlignedBuffer logits_;         // [tokens, experts]; of AddGated [tokens, 1]
  std::vector<int32_t> chosen_;  // [tokens, active]
  std::vector<float> weights_;   // [tokens, active]
  ExpertGroups groups_;
  AlignedBuffer wide_;        // [choices, dim] what experts read, then what they give
  AlignedBuffer hidden_;      // [choices, hidden]
  AlignedBuffer down_input_;  // [choices, hidden] as the kernels read it
  ExpertProduct up_, down_;
  std::vector<AlignedBuffer> accumulators_;          // [threads][kTaskAccumulators] f32
  std::vector<AlignedBuffer> unpacked_;              // [threads][kUnpackedScratch]
  std::vector<std::vector<const float*>> summands_;  // [threads][active]
};

}  // namespace spate::cpu
