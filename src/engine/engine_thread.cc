#include "engine/engine_thread.h"

#include <chrono>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "engine/sampling_params.h"
#include "engine/sampling_words.h"

namespace spate {

EngineThread::EngineThread(const SchedulerOptions& options, SequenceLimits limits, int vocab, Executor& executor,
                           const Tokenizer* tokenizer)
    : vocab_(vocab),
      context_(limits.context),
      tokenizer_(tokenizer),
      core_(options, std::move(limits), executor, tokenizer, clock_),
      thread_([this] { Loop(); }) {}

EngineThread::~EngineThread() {
  queue_.Close();
  thread_.join();
}

void EngineThread::Submit(Request request, std::shared_ptr<Sink> sink) {
  CheckRequest(request, vocab_, context_);
  if (!request.params.stop.empty() && tokenizer_ == nullptr) {
    throw Error(ErrorCode::kUsage, "stop: the model has no tokenizer, so its output has no text; use stop_ids");
  }
  ResolveWords(request.params, tokenizer_, vocab_);
  const uint64_t seed = request.params.seed ? *request.params.seed : RandomSeed();
  const bool taken = queue_.Push(
      Submission{.request = std::move(request), .seed = seed, .submitted_ns = clock_.NowNs(), .sink = std::move(sink)});
  CHECK(taken, "a request after the engine's end");
}

void EngineThread::Abort(std::string id) { (void)queue_.Push(AbortCommand{std::move(id)}); }

EngineStats EngineThread::stats() const {
  const std::lock_guard lock(stats_mutex_);
  return stats_;
}

void EngineThread::Loop() {
  std::vector<Command> commands;
  while (true) {
    if (core_.idle()) {
      const std::string fault = core_.FindFault();
      CHECK(fault.empty(), "{}", fault);
      queue_.WaitReady(std::chrono::hours(1));
    }
    const bool closed = queue_.closed();  // before draining: what was pushed before Close is then in the queue
    commands.clear();
    queue_.DrainInto(commands);
    for (Command& command : commands) {
      if (auto* submission = std::get_if<Submission>(&command)) {
        core_.Add(std::move(*submission));
      } else {
        core_.Abort(std::get<AbortCommand>(command).id);
      }
    }
    if (closed) {
      core_.AbortAll();
      return;
    }
    if (!core_.RunStep()) continue;
    const std::lock_guard lock(stats_mutex_);
    stats_ = core_.stats();
  }
}

}  // namespace spate
