#include "engine/engine.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/free_memory.h"
#include "engine/engine_thread.h"
#include "engine/kv_size.h"
#include "engine/worker.h"

namespace spate {
namespace {

SchedulerOptions PlanSteps(const Model& model, const EngineOptions& options) {
  constexpr int kMaxTokens = 1 << 20;
  constexpr int kMaxSequences = 1 << 16;
  if (options.max_batch_tokens < 1 || options.max_batch_tokens > kMaxTokens) {
    throw Error(ErrorCode::kUsage, "engine: expected 1 to {} tokens a step, got {}", kMaxTokens,
                options.max_batch_tokens);
  }
  if (options.max_sequences < 1 || options.max_sequences > kMaxSequences) {
    throw Error(ErrorCode::kUsage, "engine: expected 1 to {} sequences, got {}", kMaxSequences, options.max_sequences);
  }
  const int sequences = std::min(options.max_sequences, options.max_batch_tokens);
  const KvSize kv = ChooseKvSize(MakeKvLayout(model.spec, model.kv_dtype),
                                 {.model_context = model.spec.context,
                                  .context = options.context,
                                  .sequences = sequences,
                                  .blocks = options.kv_blocks},
                                 FreeMemory());
  // More than all sequences can bring would only cost memory.
  const int64_t most = int64_t{kv.context} * sequences;
  return {.max_batch_tokens = static_cast<int>(std::min<int64_t>(options.max_batch_tokens, most)),
          .max_sequences = sequences,
          .blocks = kv.blocks,
          .context = kv.context};
}

WorkerOptions PlanWorker(const SchedulerOptions& plan) {
  return {.max_tokens = plan.max_batch_tokens,
          .max_sequences = plan.max_sequences,
          .max_outputs = plan.max_sequences,
          .slots = plan.max_sequences,
          .max_context = plan.context,
          .kv_blocks = plan.blocks};
}

}  // namespace

class Engine::Impl {
 public:
  Impl(std::unique_ptr<Model> model, const EngineOptions& options)
      : model_(std::move(model)),
        plan_(PlanSteps(*model_, options)),
        worker_(*model_, PlanWorker(plan_)),
        executor_(worker_, plan_.max_sequences),
        thread_(plan_, {.context = plan_.context, .eos_ids = model_->spec.eos_ids}, model_->spec.vocab, executor_,
                model_->tokenizer.get()) {}

  std::unique_ptr<Model> model_;
  SchedulerOptions plan_;
  Worker worker_;
  WorkerExecutor executor_;
  EngineThread thread_;
};

Engine::Engine(std::unique_ptr<Model> model, const EngineOptions& options)
    : impl_(std::make_unique<Impl>(std::move(model), options)) {}
Engine::~Engine() = default;

const Model& Engine::model() const { return *impl_->model_; }
int Engine::context() const { return impl_->plan_.context; }
void Engine::Submit(Request request, std::shared_ptr<Sink> sink) {
  impl_->thread_.Submit(std::move(request), std::move(sink));
}
void Engine::Abort(std::string id) { impl_->thread_.Abort(std::move(id)); }
EngineStats Engine::stats() const { return impl_->thread_.stats(); }

}  // namespace spate
