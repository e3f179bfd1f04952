#include "engine/worker.h"

#include <algorithm>
#include <new>

#include "base/error.h"

namespace spate {
namespace {

std::unique_ptr<Ops> MakeWorkerOps(const Model& model, const WorkerOptions& options) {
  OpsConfig config = PlanOps(model.spec, model.kv_dtype);
  config.max_tokens = options.max_tokens;
  config.max_sequences = options.max_sequences;
  config.max_outputs = options.max_outputs;
  config.slots = options.slots;
  config.max_context = options.max_context;
  config.kv_blocks.assign(static_cast<size_t>(config.kv.groups), options.kv_blocks);
  try {
    return model.device->MakeOps(config);
  } catch (const std::bad_alloc&) {
    throw Error(
        ErrorCode::kDoesNotFit,
        "no memory for steps of {} tokens with {} rows of {} logits; use fewer tokens a step or fewer sequences",
        options.max_tokens, options.max_outputs, model.spec.vocab);
  }
}

}  // namespace

Worker::Worker(const Model& model, const WorkerOptions& options)
    : ops_(MakeWorkerOps(model, options)), decoder_(model.spec, model.weights, *ops_) {}

void Worker::StartSlots(std::span<const SlotStart> starts) {
  for (const SlotStart& start : starts) ops_->SetSlot(start);
}

void Worker::Sample(const Batch& batch, Mat logits, std::span<SampleResult> results) {
  if (batch.outputs > 0) ops_->Sample(batch, logits, results);
}

void WorkerExecutor::Launch(const StepInput& input) {
  worker_.StartSlots(input.starts);
  const Mat logits = worker_.Forward(input.batch);
  worker_.Sample(input.batch, logits, std::span(results_).first(static_cast<size_t>(input.batch.outputs)));
}

void WorkerExecutor::Collect(std::span<SampleResult> results) {
  std::copy_n(results_.begin(), results.size(), results.begin());
}

}  // namespace spate
