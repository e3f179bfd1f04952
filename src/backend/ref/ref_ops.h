// Ops of the reference backend: dispatches to linear.h, norm.h, attention.h and sample.h and owns the
// scratch buffers, the KV arena and the slots.
#pragma once

#include <array>
#include <vector>

#include "backend/ops.h"
#include "backend/ref/kv_arena.h"
#include "backend/ref/sample.h"

namespace spate::ref {

class RefOps final : public Ops {
 public:
  explicit RefOps(const OpsConfig& config);

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
  OpsConfig config_;
  std::array<std::vector<float>, static_cast<size_t>(Buf::kCount)> scratch_;
  KvArena kv_;
  std::vector<SlotState> slots_;
};

}  // namespace spate::ref
