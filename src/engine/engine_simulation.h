// A simulation of an engine's life: random requests, aborts and failures over FakeExecutor, an integrity check after
// every step, and in the end a straight-line replay of every request. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/engine_core.h"
#include "engine/fake_executor.h"
#include "engine/sampling_params.h"

namespace spate::simulation {

inline constexpr int kVocab = 48;

// What one request produced.
struct Record {
  Request request;
  uint64_t seed = 0;
  std::vector<int32_t> output;
  int finals = 0;
  bool pushed_after_final = false;
  Delta last;
};

class RecordSink final : public Sink {
 public:
  explicit RecordSink(Record& record) : record_(record) {}
  void Push(Delta delta) override {
    record_.pushed_after_final |= record_.finals > 0;
    for (const SampleResult& token : delta.tokens) record_.output.push_back(token.token);
    record_.finals += delta.finish ? 1 : 0;
    record_.last = std::move(delta);
  }

 private:
  Record& record_;
};

struct Expected {
  std::vector<int32_t> output;
  FinishReason finish = FinishReason::kLength;
};

// What the request yields when it runs alone, token by token, written from the rules and not from the scheduler.
inline Expected Replay(const Request& request, uint64_t seed, const SequenceLimits& limits) {
  const SamplingParams& p = request.params;
  Expected expected;
  uint64_t state = 0;
  FakeModel::Counts counts;
  for (const int32_t token : request.prompt) {
    state = FakeModel::Extend(state, token);
    counts.AddPrompt(token);
  }
  const SamplerPlan plan(p);
  counts.remembers = plan.remembers();
  if (counts.remembers) {
    for (const int32_t token : request.prompt) counts.AddToken(token);
  }
  if (p.mirostat != 0) counts.mirostat_mu = 2 * p.mirostat_tau;
  const auto ends = [&](int32_t token) {
    const auto in = [token](const std::vector<int32_t>& ids) {
      return std::find(ids.begin(), ids.end(), token) != ids.end();
    };
    return (!p.ignore_eos && in(limits.eos_ids)) || in(p.stop_ids);
  };
  while (true) {
    const bool must_go_on = static_cast<int>(expected.output.size()) < p.min_tokens;
    std::vector<TokenBias> bias;
    if (must_go_on) {
      for (int32_t id = 0; id < kVocab; ++id) {
        if (ends(id)) bias.push_back({id, -std::numeric_limits<float>::infinity()});
      }
    }
    bias.insert(bias.end(), p.logit_bias.begin(), p.logit_bias.end());
    SampleArgs args;
    args.seed = seed;
    args.choice = p.choice;
    args.position = static_cast<int64_t>(request.prompt.size() + expected.output.size());
    args.temperature = p.temperature;
    args.top_k = p.top_k;
    args.top_p = p.top_p;
    args.min_p = p.min_p;
    args.repetition_penalty = p.repetition_penalty;
    args.presence_penalty = p.presence_penalty;
    args.frequency_penalty = p.frequency_penalty;
    args.extras = plan.extras();
    args.bias = bias.data();
    args.bias_count = static_cast<int32_t>(bias.size());
    const int32_t token = FakeModel::Draw(state, args, counts, kVocab);
    state = FakeModel::Extend(state, token);
    counts.AddOutput(token);
    if (counts.remembers) counts.AddToken(token);
    counts.mirostat_mu = FakeModel::NextMu(args, counts, token);
    expected.output.push_back(token);
    if (ends(token) && !must_go_on) {
      expected.finish = FinishReason::kStop;
      return expected;
    }
    const auto outputs = static_cast<int>(expected.output.size());
    if (outputs == p.max_tokens || static_cast<int>(request.prompt.size()) + outputs == limits.context) return expected;
  }
}

inline Request RandomRequest(std::mt19937_64& random, int number, int context) {
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<uint64_t>(n)); };
  Request request;
  request.id = std::to_string(number);
  // Mostly short, some up to the whole context.
  const int longest = below(4) == 0 ? context - 1 : std::min(context - 1, 40);
  const int size = 1 + below(longest);
  for (int i = 0; i < size; ++i) request.prompt.push_back(below(kVocab));
  SamplingParams& p = request.params;
  p.max_tokens = below(3) == 0 ? 0 : 1 + below(60);
  if (below(4) == 0) p.min_tokens = below(p.max_tokens > 0 ? p.max_tokens + 1 : 30);
  p.temperature = below(3) == 0 ? 0.f : 0.7f;
  if (below(2) == 0) p.seed = random();
  p.choice = static_cast<uint32_t>(below(2));
  p.ignore_eos = below(4) == 0;
  if (below(4) == 0) p.repetition_penalty = 1.25f;
  if (below(6) == 0) p.frequency_penalty = 0.5f;
  if (below(5) == 0) p.dry_multiplier = 0.8f;
  if (below(8) == 0) p.bad_words_ids = {{1, 2}};
  if (below(5) == 0 && p.temperature > 0) p.mirostat = 2;
  const bool long_output = below(3) == 0;
  if (long_output) {
    p.ignore_eos = true;
    p.max_tokens = 0;
  }
  for (int i = long_output ? 0 : below(3); i > 0; --i) p.stop_ids.push_back(below(kVocab));
  for (int i = below(3); i > 0; --i) {
    p.logit_bias.push_back({below(kVocab), below(2) == 0 ? 1.5f : -std::numeric_limits<float>::infinity()});
  }
  return request;
}

struct Setting {
  uint64_t seed;
  int blocks;
  int max_batch_tokens;
  int max_sequences;
  int context;
  int steps;
};

class Simulation {
 public:
  explicit Simulation(const Setting& setting)
      : setting_(setting),
        random_(setting.seed),
        executor_({.blocks = setting.blocks,
                   .slots = setting.max_sequences,
                   .vocab = kVocab,
                   .max_tokens = setting.max_batch_tokens}),
        limits_{.context = setting.context, .eos_ids = {3, 7}},
        core_({.max_batch_tokens = setting.max_batch_tokens,
               .max_sequences = setting.max_sequences,
               .blocks = setting.blocks,
               .context = setting.context},
              limits_, executor_, nullptr, clock_) {}

  void Run() {
    for (int step = 0; step < setting_.steps && !testing::Test::HasFatalFailure(); ++step) {
      clock_.AdvanceNs(1000000);
      Disturb();
      Turn();
    }
    while (!core_.idle() && !testing::Test::HasFatalFailure()) Turn();
    for (const auto& [number, record] : records_) Judge(*record);
  }

  int64_t preemptions() const { return core_.stats().preemptions; }
  int finished(FinishReason reason) const { return finished_.count(reason) > 0 ? finished_.at(reason) : 0; }

 private:
  int Below(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }

  void Disturb() {
    const bool crowd = core_.scheduler().waiting() < 2 * setting_.max_sequences;
    if (crowd && Below(6) == 0) {
      for (int burst = 1 + Below(4); burst > 0; --burst) Submit();
    }
    if (Below(150) == 0 && next_ > 0) core_.Abort(std::to_string(std::max(0, next_ - 1 - Below(12))));
    if (Below(997) == 0) {
      executor_.FailNext(Below(2) == 0 ? FakeExecutor::Failure::kLaunch : FakeExecutor::Failure::kCollect);
    }
  }

  void Submit() {
    const int number = next_++;
    auto record = std::make_unique<Record>();
    record->request = RandomRequest(random_, number, setting_.context);
    CheckRequest(record->request, kVocab, setting_.context);
    record->seed = record->request.params.seed.value_or(random_());
    core_.Add({.request = record->request,
               .seed = record->seed,
               .submitted_ns = clock_.NowNs(),
               .sink = std::make_shared<RecordSink>(*record)});
    live_.push_back(record.get());
    records_[number] = std::move(record);
  }

  // One step; then everything that must hold after every step.
  void Turn() {
    while (!live_.empty() && live_.front()->finals > 0) live_.pop_front();
    const Record* oldest = live_.empty() ? nullptr : live_.front();
    const int64_t progress = core_.stats().prefill_tokens + core_.stats().decode_tokens;
    const size_t oldest_output = oldest != nullptr ? oldest->output.size() : 0;
    const bool worked = core_.RunStep();
    ASSERT_EQ(core_.FindFault(), "");
    ASSERT_EQ(worked, oldest != nullptr);
    if (oldest == nullptr) return;
    // The oldest goes on in every step, so its prompt and each token of it take at most `size` steps of prefill.
    if (oldest == last_oldest_ && oldest->output.size() == oldest_output && oldest->finals == 0) {
      ++oldest_waits_;
    } else {
      oldest_waits_ = 0;
    }
    last_oldest_ = oldest;
    ASSERT_LE(oldest_waits_, setting_.context) << "request " << oldest->request.id << " does not progress";
    const int64_t tokens = core_.stats().prefill_tokens + core_.stats().decode_tokens - progress;
    ASSERT_LE(tokens, setting_.max_batch_tokens);
  }

  void Judge(const Record& record) {
    ASSERT_EQ(record.finals, 1) << "request " << record.request.id;
    ASSERT_FALSE(record.pushed_after_final);
    ++finished_[*record.last.finish];
    const Expected expected = Replay(record.request, record.seed, limits_);
    ASSERT_EQ(record.last.seed, record.seed);
    ASSERT_EQ(record.last.timings.output_tokens, static_cast<int>(record.output.size()));
    ASSERT_GE(record.last.timings.queued, 0);
    if (*record.last.finish == FinishReason::kStop || *record.last.finish == FinishReason::kLength) {
      ASSERT_EQ(record.output, expected.output) << "request " << record.request.id;
      ASSERT_EQ(*record.last.finish, expected.finish);
    } else {
      ASSERT_LE(record.output.size(), expected.output.size());
      ASSERT_TRUE(std::equal(record.output.begin(), record.output.end(), expected.output.begin()));
      ASSERT_EQ(record.last.error.empty(), *record.last.finish != FinishReason::kError);
    }
  }

  Setting setting_;
  std::mt19937_64 random_;
  ManualClock clock_{1};
  FakeExecutor executor_;
  SequenceLimits limits_;
  EngineCore core_;
  int next_ = 0;
  std::map<int, std::unique_ptr<Record>> records_;
  std::deque<Record*> live_;  // by arrival
  const Record* last_oldest_ = nullptr;
  int oldest_waits_ = 0;
  std::map<FinishReason, int> finished_;
};

}  // namespace spate::simulation
