// CpuOps: the operations of a step on a CPU. One file per group of operations: cpu_apply.cc (matrices, scratch) and,
// beside it, embedding, norms, attention and sampling. Owned by one worker; the CpuDevice that made it must outlive it.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "backend/cpu/cpu_attend.h"
#include "backend/cpu/cpu_experts.h"
#include "backend/cpu/cpu_sample.h"
#include "backend/cpu/kernel_table.h"
#include "backend/cpu/linear_runner.h"
#include "backend/ops.h"
#include "base/aligned_buffer.h"
#include "base/thread_pool.h"

namespace spate::cpu {

class CpuOps final : public Ops {
 public:
  // Throws Error(kDoesNotFit) when the scratch or the KV cache does not fit into memory.
  CpuOps(const OpsConfig& config, const KernelTable& kernels, ThreadPool& pool);

  void Begin(const Batch& batch) override;
  Mat Scratch(Buf id, int rows, int cols) override;
  void Embed(const Table& table, float scale, const Batch& batch, Mat out) override;
  void AddPositions(const Table& table, int offset, const Batch& batch, Mat x) override;
  void AddNorm(const Vec& w, const NormSpec& spec, const Mat* delta, Mat x, Mat out) override;
  void Apply(const Linear& w, Mat x, Mat out, const Epilogue& epilogue) override;
  void Attend(const AttnSpec& spec, const QkNormWeights& norms, int layer, const Batch& batch, Mat qkv,
              Mat out) override;
  void Experts(const FfnSpec& spec, const Linear& router, const Linear& gate_up, const Linear& down, Mat x, Mat out,
               const Epilogue& epilogue) override;
  void AddGated(const Linear& gate, Mat x, Mat delta, float scale, Mat out) override;
  void Add(Mat delta, Mat x) override;
  void Softcap(float cap, Mat logits) override;
  void GatherRows(const Batch& batch, Mat x, Mat out) override;
  void Sample(const Batch& batch, Mat logits, std::span<SampleResult> results) override;
  void Download(const Mat& mat, std::span<float> out) override;
  void SetSlot(const SlotStart& start) override;

 private:
  const OpsConfig config_;
  const KernelTable& kernels_;
  ThreadPool& pool_;
  std::array<AlignedBuffer, static_cast<size_t>(Buf::kCount)> scratch_;
  AlignedBuffer table_row_;  // [dim]
  LinearRunner linear_;
  ExpertRunner experts_;
  AttentionRunner attention_;
  Sampler sampler_;
};

}  // namespace spate::cpu
