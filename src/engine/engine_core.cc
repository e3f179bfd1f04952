#include "engine/engine_core.h"

#include <exception>
#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace spate {

// The scheduler's sequence, and what the engine keeps beside it; a step's entries lead back here.
struct EngineCore::Active final : Sequence {
  Active(Submission submission, const SequenceLimits& limits, const Tokenizer* tokenizer)
      : Sequence(submission.request, submission.seed, limits),
        sink(std::move(submission.sink)),
        submitted_ns(submission.submitted_ns) {
    if (tokenizer != nullptr) text.emplace(*tokenizer, submission.request.params.stop);
  }

  RequestTimings Timings(int64_t now_ns) const {
    const auto seconds = [](int64_t from, int64_t to) { return static_cast<double>(to - from) * 1e-9; };
    RequestTimings t;
    t.queued = seconds(submitted_ns, started_ns < 0 ? now_ns : started_ns);
    if (started_ns >= 0) t.prefill = seconds(started_ns, first_token_ns < 0 ? now_ns : first_token_ns);
    if (first_token_ns >= 0) t.decode = seconds(first_token_ns, last_token_ns);
    t.prompt_tokens = prompt_size();
    t.output_tokens = output_size();
    t.preemptions = preemptions();
    return t;
  }

  std::shared_ptr<Sink> sink;
  std::optional<TextStream> text;  // none without a tokenizer, and after its end
  int64_t submitted_ns;
  int64_t started_ns = -1;  // -1 = not yet
  int64_t first_token_ns = -1;
  int64_t last_token_ns = -1;
};

EngineCore::EngineCore(const SchedulerOptions& options, SequenceLimits limits, Executor& executor,
                       const Tokenizer* tokenizer, const Clock& clock)
    : limits_(std::move(limits)),
      executor_(executor),
      tokenizer_(tokenizer),
      clock_(clock),
      scheduler_(options),
      builder_(
          {.tokens = options.max_batch_tokens, .sequences = options.max_sequences, .outputs = options.max_sequences}),
      results_(static_cast<size_t>(options.max_sequences)) {}

EngineCore::~EngineCore() { AbortAll(); }

void EngineCore::Add(Submission submission) {
  if (active_.contains(submission.request.id)) {
    Delta delta;
    delta.id = submission.request.id;
    delta.seed = submission.seed;
    delta.finish = FinishReason::kError;
    delta.error = fmt::format("request id \"{}\" is already running; ids must be unique", delta.id);
    delta.timings.prompt_tokens = static_cast<int>(submission.request.prompt.size());
    submission.sink->Push(std::move(delta));
    return;
  }
  auto active = std::make_unique<Active>(std::move(submission), limits_, tokenizer_);
  scheduler_.Add(*active);
  active_.emplace(active->id(), std::move(active));
}

void EngineCore::Abort(const std::string& id) {
  const auto found = active_.find(id);
  if (found != active_.end()) End(*found->second, {}, FinishReason::kAborted, clock_.NowNs());
}

void EngineCore::AbortAll() {
  while (!active_.empty()) End(*active_.begin()->second, {}, FinishReason::kAborted, clock_.NowNs());
}

bool EngineCore::RunStep() {
  if (scheduler_.idle()) return false;
  const Step& step = scheduler_.Schedule();
  const int64_t start_ns = clock_.NowNs();
  for (const Step::Entry& entry : step.entries) {
    auto& active = static_cast<Active&>(*entry.sequence);
    if (active.started_ns < 0) active.started_ns = start_ns;
  }
  if (!Compute(step)) return true;
  const int64_t now_ns = clock_.NowNs();
  CountStep(step, now_ns - start_ns);
  size_t next = 0;
  for (const Step::Entry& entry : step.entries) {
    if (entry.samples) Deliver(static_cast<Active&>(*entry.sequence), results_[next++], now_ns);
  }
  return true;
}

bool EngineCore::Compute(const Step& step) {
  const auto results = std::span(results_).first(static_cast<size_t>(step.outputs));
  try {
    executor_.Launch(builder_.Build(step));
    executor_.Collect(results);
  } catch (const std::exception& e) {
    LogError("a step of {} sequences failed: {}", step.entries.size(), e.what());
    scheduler_.Fail();
    for (const Step::Entry& entry : step.entries) {
      Delta delta;
      delta.error = e.what();
      End(static_cast<Active&>(*entry.sequence), std::move(delta), FinishReason::kError, clock_.NowNs());
    }
    return false;
  }
  scheduler_.Commit(results);
  return true;
}

void EngineCore::Deliver(Active& active, const SampleResult& result, int64_t now_ns) {
  if (active.first_token_ns < 0) active.first_token_ns = now_ns;
  active.last_token_ns = now_ns;
  Delta delta;
  if (result.no_logits) {
    delta.error =
        "the model gave no number for any token (NaN or infinite weights?); `spate verify` finds damaged weights";
    End(active, std::move(delta), FinishReason::kError, now_ns);
    return;
  }
  delta.tokens.push_back(result);
  std::optional<FinishReason> finish = active.finish();
  if (active.text && !active.ended_by_id() && active.text->Push(result.token, delta.text)) {
    finish = FinishReason::kStop;
    active.text.reset();
  }
  if (finish) {
    End(active, std::move(delta), *finish, now_ns);
    return;
  }
  delta.id = active.id();
  delta.seed = active.seed();
  active.sink->Push(std::move(delta));
}

void EngineCore::End(Active& active, Delta delta, FinishReason reason, int64_t now_ns) {
  scheduler_.Remove(active);
  const auto node = active_.extract(active.id());
  CHECK(!node.empty());
  // A stop string can hide in what was held back.
  if (active.text && active.text->Finish(delta.text) && reason == FinishReason::kLength) reason = FinishReason::kStop;
  delta.id = active.id();
  delta.seed = active.seed();
  delta.finish = reason;
  delta.timings = active.Timings(now_ns);
  active.sink->Push(std::move(delta));
}

void EngineCore::CountStep(const Step& step, int64_t ns) {
  int decodes = 0;
  for (const Step::Entry& entry : step.entries) decodes += entry.decode ? 1 : 0;
  const double seconds = static_cast<double>(ns) * 1e-9;
  ++stats_.steps;
  stats_.decode_tokens += decodes;
  stats_.prefill_tokens += step.tokens - decodes;
  stats_.preemptions = scheduler_.preemptions();
  double& total = decodes == 0             ? stats_.prefill_seconds
                  : decodes == step.tokens ? stats_.decode_seconds
                                           : stats_.mixed_seconds;
  total += seconds;
}

std::string EngineCore::FindFault() const {
  const auto listed = static_cast<size_t>(scheduler_.running() + scheduler_.waiting());
  if (listed != active_.size()) return fmt::format("{} sequences listed, {} active", listed, active_.size());
  return scheduler_.FindFault();
}

}  // namespace spate
