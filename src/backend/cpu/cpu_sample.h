// Sampler: draws tokens from logits and keeps what the slots remember. Owns its scratch, planned at construction; one
// caller at a time, like the Ops that owns it. Rows are shared out over the pool; a row's token depends on the row and
// its slot alone.
//
// What differs from the definition in backend/ref/sample.h is rounding: logits are adjusted and weights computed in
// f32, sums in f64. Nothing is sorted that needs no order: the largest values of blocks bound the k-th largest value
// from below, a share of the whole weight bounds the least weight that top-p can need, and of the candidates that are
// left only those around the cut are ranked. Rows with SamplerExtras take the general way of sampler_chain.h instead.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/cpu/row_kernels.h"
#include "backend/cpu/sampler_chain.h"
#include "backend/ops.h"
#include "base/thread_pool.h"

namespace spate::cpu {

class Sampler {
 public:
  Sampler(const OpsConfig& config, const RowKernels& kernels, ThreadPool& pool);

  // As Ops::SetSlot and Ops::Sample.
  void SetSlot(const SlotStart& start);
  void Sample(const Batch& batch, const Mat& logits, std::span<SampleResult> results);

  int32_t LastToken(int slot) const;

 private:
  struct Slot {
    int32_t last_token = -1;  // -1: none sampled yet
    bool tracked = false;
    uint64_t step = 0;             // last Sample that read it
    std::vector<int32_t> counts;   // [vocab] 2 * occurrences in the output + 1 if in the prompt; empty until tracked
    std::vector<int32_t> touched;  // ids whose count is not 0
    bool remembers = false;
    std::vector<int32_t> tokens;  // of prompt and output; empty unless it remembers
    float mirostat_mu = 0;
  };
  struct Scratch {                    // of one thread, [vocab] each
    std::vector<float> adjusted;      // logits after bias and penalties
    std::vector<float> maxima;        // of blocks
    std::vector<int32_t> candidates;  // ids, ascending
    std::vector<float> values;        // of the candidates
    std::vector<float> weights;       // of the candidates, or of one block
    std::vector<int32_t> order;       // indices into candidates, to be ranked
    std::vector<double> sums;         // weights of blocks
    std::vector<int32_t> matches;     // [longest sequence] of DRY; empty until a slot remembers
    std::vector<uint8_t> repeated;    // [vocab] length of the repetition that a token would continue; else 0
  };

  bool HasSharedSlot(const Batch& batch);
  void Count(Slot& slot, int32_t id, int32_t by);
  void Remember(Slot& slot, const SlotStart& start);
  void Update(const SampleArgs& args, const SampleResult& result);
  SampleResult SampleRow(const float* logits, const SampleArgs& args, Scratch& scratch) const;
  // cpu_sample_extras.cc: rows with extras.
  void SampleExtras(const float* logits, const SampleArgs& args, Scratch& scratch, SampleResult& result) const;
  void Apply(SamplerStep step, const SampleArgs& args, const Slot& slot, Scratch& scratch, SamplerChain& chain) const;
  void Penalize(const SampleArgs& args, const Slot& slot, SamplerChain& chain) const;
  void SuppressRepetition(const SamplerExtras& extras, const Slot& slot, Scratch& scratch, SamplerChain& chain) const;
  const float* Adjust(const float* logits, const SampleArgs& args, const Slot& slot, Scratch& scratch) const;
  int32_t LowestNotBanned(const SampleArgs& args, const Slot& slot, Scratch& scratch) const;
  int32_t DrawAll(const float* x, float max, const SampleArgs& args, double u, Scratch& scratch) const;
  int32_t DrawCandidates(const float* x, float max, const SampleArgs& args, double u, Scratch& scratch) const;
  int64_t CollectLargest(const float* x, int64_t count, Scratch& scratch) const;
  int64_t CollectHeaviest(const float* x, float max, float factor, double total, double share, Scratch& scratch) const;
  void LoadValues(const float* x, int64_t candidates, Scratch& scratch) const;
  void KeepLargest(int64_t candidates, int64_t count, Scratch& scratch) const;
  void KeepNucleus(int64_t candidates, double enough, Scratch& scratch) const;
  void SetLogProbabilities(const float* logits, int32_t wanted, Scratch& scratch, SampleResult& result) const;

  const RowKernels& kernels_;
  ThreadPool& pool_;
  const int32_t vocab_;
  const int32_t max_context_;
  uint64_t step_ = 0;
  std::vector<Slot> slots_;
  std::vector<Scratch> scratch_;  // [threads]
};

}  // namespace spate::cpu
