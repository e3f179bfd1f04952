// The whole of a request's life but the thread and the device.
#include "engine/engine_core.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "engine/engine_simulation.h"

namespace spate {
namespace {

using simulation::Record;
using simulation::RecordSink;
using simulation::Setting;
using simulation::Simulation;

TEST(EngineSimulation, RandomStepsWithFewBlocks) {
  SetLogLevel(LogLevel::kOff);  // of the planted failures
  int64_t preemptions = 0;
  std::map<FinishReason, int> finished;
  int steps = 0;
  const Setting settings[] = {
      {.seed = 1, .blocks = 40, .max_batch_tokens = 24, .max_sequences = 6, .context = 600, .steps = 30000},
      {.seed = 2, .blocks = 9, .max_batch_tokens = 4, .max_sequences = 4, .context = 130, .steps = 20000},
      {.seed = 3, .blocks = 60, .max_batch_tokens = 512, .max_sequences = 32, .context = 300, .steps = 10000},
      {.seed = 4, .blocks = 5, .max_batch_tokens = 1, .max_sequences = 1, .context = 66, .steps = 10000},
      {.seed = 5, .blocks = 25, .max_batch_tokens = 16, .max_sequences = 16, .context = 400, .steps = 30000},
  };
  for (const Setting& setting : settings) {
    SCOPED_TRACE(setting.seed);
    Simulation simulation(setting);
    ASSERT_NO_FATAL_FAILURE(simulation.Run());
    preemptions += simulation.preemptions();
    steps += setting.steps;
    for (const FinishReason r :
         {FinishReason::kStop, FinishReason::kLength, FinishReason::kAborted, FinishReason::kError}) {
      finished[r] += simulation.finished(r);
    }
  }
  EXPECT_EQ(steps, 100000);
  // The simulation reached what it is there for.
  EXPECT_GT(preemptions, 100);
  EXPECT_GT(finished[FinishReason::kStop], 500);
  EXPECT_GT(finished[FinishReason::kLength], 500);
  EXPECT_GT(finished[FinishReason::kAborted], 100);
  EXPECT_GT(finished[FinishReason::kError], 50);
}

// An executor whose steps take ten milliseconds.
class TimedExecutor final : public Executor {
 public:
  TimedExecutor(Executor& executor, ManualClock& clock) : executor_(executor), clock_(clock) {}
  void Launch(const StepInput& input) override { executor_.Launch(input); }
  void Collect(std::span<SampleResult> results) override {
    clock_.AdvanceNs(10'000'000);
    executor_.Collect(results);
  }

 private:
  Executor& executor_;
  ManualClock& clock_;
};

class EngineCoreTest : public testing::Test {
 protected:
  Record& Add(const std::string& id, int prompt, SamplingParams params) {
    records_.push_back(std::make_unique<Record>());
    core_.Add({.request = {.id = id,
                           .prompt = std::vector<int32_t>(static_cast<size_t>(prompt), 1),
                           .params = std::move(params)},
               .seed = 5,
               .submitted_ns = clock_.NowNs(),
               .sink = std::make_shared<RecordSink>(*records_.back())});
    return *records_.back();
  }

  ManualClock clock_;
  FakeExecutor fake_{{.blocks = 20, .slots = 2, .vocab = simulation::kVocab, .max_tokens = 8}};
  TimedExecutor executor_{fake_, clock_};
  EngineCore core_{{.max_batch_tokens = 8, .max_sequences = 2, .blocks = 20, .context = 300},
                   {.context = 300, .eos_ids = {}},
                   executor_,
                   nullptr,
                   clock_};
  std::vector<std::unique_ptr<Record>> records_;
};

TEST_F(EngineCoreTest, TimesAreThoseOfTheClock) {
  const Record& a = Add("a", 20, {.max_tokens = 3});
  clock_.AdvanceNs(5'000'000);
  while (core_.RunStep()) {
  }
  const RequestTimings& t = a.last.timings;
  EXPECT_NEAR(t.queued, 0.005, 1e-9);
  EXPECT_NEAR(t.prefill, 0.030, 1e-9) << "20 tokens in steps of 8";
  EXPECT_NEAR(t.decode, 0.020, 1e-9) << "two more tokens";
  EXPECT_EQ(t.prompt_tokens, 20);
  EXPECT_EQ(t.output_tokens, 3);
  const EngineStats& stats = core_.stats();
  EXPECT_EQ(stats.steps, 5);
  EXPECT_EQ(stats.prefill_tokens, 20);
  EXPECT_EQ(stats.decode_tokens, 2);
  EXPECT_NEAR(stats.prefill_seconds, 0.030, 1e-9);
  EXPECT_NEAR(stats.decode_seconds, 0.020, 1e-9);
  EXPECT_EQ(stats.mixed_seconds, 0);
}

TEST_F(EngineCoreTest, AFailedStepEndsItsOwnSequencesAndNoOthers) {
  SetLogLevel(LogLevel::kOff);
  const Record& a = Add("a", 4, {.max_tokens = 10});
  const Record& b = Add("b", 4, {.max_tokens = 10});
  core_.RunStep();
  const Record& waiting = Add("c", 4, {.max_tokens = 10});
  fake_.FailNext(FakeExecutor::Failure::kCollect);
  EXPECT_TRUE(core_.RunStep());
  for (const Record* failed : {&a, &b}) {
    EXPECT_EQ(failed->last.finish, FinishReason::kError);
    EXPECT_EQ(failed->last.error, "collect failed");
    EXPECT_EQ(failed->output.size(), 1u) << "what was there before stays";
  }
  EXPECT_EQ(waiting.finals, 0);
  while (core_.RunStep()) {
  }
  EXPECT_EQ(waiting.last.finish, FinishReason::kLength);
  EXPECT_EQ(core_.FindFault(), "");
}

TEST_F(EngineCoreTest, WhoseLogitsAreNoNumbersEndsAloneWithAnError) {
  const Record& a = Add("a", 4, {.max_tokens = 10});
  const Record& b = Add("b", 4, {.max_tokens = 10});
  core_.RunStep();
  fake_.FailNext(FakeExecutor::Failure::kNoLogits);
  while (core_.RunStep()) {
  }
  EXPECT_EQ(a.last.finish, FinishReason::kError);
  EXPECT_NE(a.last.error.find("NaN"), std::string::npos) << a.last.error;
  EXPECT_EQ(a.output.size(), 1u) << "what was there before stays, and no token is made up";
  EXPECT_EQ(b.last.finish, FinishReason::kLength);
  EXPECT_EQ(b.output.size(), 10u);
  EXPECT_EQ(core_.FindFault(), "");
}

TEST_F(EngineCoreTest, AbortsWhereverARequestIs) {
  const Record& running = Add("a", 30, {});
  const Record& second = Add("b", 4, {});
  const Record& waiting = Add("c", 4, {});
  core_.RunStep();
  core_.Abort("c");
  core_.Abort("a");
  core_.Abort("a");
  EXPECT_EQ(running.finals, 1);
  EXPECT_EQ(running.last.finish, FinishReason::kAborted);
  EXPECT_EQ(waiting.last.finish, FinishReason::kAborted);
  EXPECT_EQ(core_.FindFault(), "");
  EXPECT_TRUE(core_.RunStep());
  EXPECT_EQ(second.finals, 0);
  core_.AbortAll();
  EXPECT_EQ(second.last.finish, FinishReason::kAborted);
  EXPECT_FALSE(core_.RunStep());
  EXPECT_EQ(core_.scheduler().free_blocks(), 20);
}

}  // namespace
}  // namespace spate
