// EngineCore: one turn of the engine's loop after another, without a thread: requests go in, a step is scheduled,
// computed and committed, and what came out goes to the sinks. Everything that makes a request's life is here, so
// tests drive it with a simulated executor and a clock of their own. Used by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "engine/batch_builder.h"
#include "engine/engine_stats.h"
#include "engine/executor.h"
#include "engine/request.h"
#include "engine/scheduler.h"
#include "engine/text_stream.h"
#include "tokenizer/tokenizer.h"

namespace spate {

// A request that passed CheckRequest.
struct Submission {
  Request request;
  uint64_t seed = 0;
  int64_t submitted_ns = 0;
  std::shared_ptr<Sink> sink;
};

class EngineCore {
 public:
  // Executor, tokenizer and clock outlive the core. Without a tokenizer there is no text: ids in, ids out.
  EngineCore(const SchedulerOptions& options, SequenceLimits limits, Executor& executor, const Tokenizer* tokenizer,
             const Clock& clock);
  ~EngineCore();  // aborts what is left

  // A second request with the id of a running one ends at once with kError.
  void Add(Submission submission);
  void Abort(const std::string& id);
  void AbortAll();

  // Computes one step; false when there was nothing to do. A step that fails ends its sequences with kError.
  bool RunStep();

  bool idle() const { return scheduler_.idle(); }
  const EngineStats& stats() const { return stats_; }
  const Scheduler& scheduler() const { return scheduler_; }
  // What is wrong with the core's state, or "".
  std::string FindFault() const;

 private:
  struct Active;

  bool Compute(const Step& step);
  void Deliver(Active& active, const SampleResult& result, int64_t now_ns);
  void End(Active& active, Delta delta, FinishReason reason, int64_t now_ns);
  void CountStep(const Step& step, int64_t ns);

  SequenceLimits limits_;
  Executor& executor_;
  const Tokenizer* tokenizer_;
  const Clock& clock_;
  Scheduler scheduler_;
  BatchBuilder builder_;
  std::vector<SampleResult> results_;                                // [max_sequences]
  std::unordered_map<std::string, std::unique_ptr<Active>> active_;  // by request id
  EngineStats stats_;
};

}  // namespace spate
