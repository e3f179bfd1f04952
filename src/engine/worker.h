// Worker: one rank's share of a step: the backend's operations with their cache, and the decoder over them.
// WorkerExecutor runs it on the engine's thread. The model outlives the worker. Not thread-safe.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "backend/ops.h"
#include "engine/batch_builder.h"
#include "engine/executor.h"
#include "engine/open_model.h"
#include "model/decoder.h"

namespace spate {

struct WorkerOptions {
  int max_tokens = 0;  // of a step
  int max_sequences = 0;
  int max_outputs = 0;
  int slots = 1;
  int max_context = 0;  // of a sequence
  int kv_blocks = 0;
};

class Worker {
 public:
  // Throws Error(kDoesNotFit) when memory does not suffice.
  Worker(const Model& model, const WorkerOptions& options);

  void StartSlots(std::span<const SlotStart> starts);
  Mat Forward(const Batch& batch) { return decoder_.Forward(batch); }  // logits [outputs, vocab], until the next call
  void Sample(const Batch& batch, Mat logits, std::span<SampleResult> results);
  Ops& ops() { return *ops_; }

 private:
  std::unique_ptr<Ops> ops_;
  Decoder decoder_;
};

// Steps on the calling thread: Launch computes. What runs on a device of its own overlaps; a CPU has nothing to gain.
class WorkerExecutor final : public Executor {
 public:
  WorkerExecutor(Worker& worker, int max_outputs) : worker_(worker), results_(static_cast<size_t>(max_outputs)) {}

  void Launch(const StepInput& input) override;
  void Collect(std::span<SampleResult> results) override;

 private:
  Worker& worker_;
  std::vector<SampleResult> results_;
};

}  // namespace spate
