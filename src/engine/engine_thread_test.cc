#include "engine/engine_thread.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <random>

#include "base/error.h"
#include "base/log.h"
#include "engine/fake_executor.h"
#include "engine/test_tokenizer.h"

namespace spate {
namespace {

// Collects a request's output; Wait blocks until it is complete.
class WaitSink final : public Sink {
 public:
  void Push(Delta delta) override {
    const std::lock_guard lock(mutex_);
    text_ += delta.text;
    tokens_ += delta.tokens.size();
    if (delta.finish) {
      ++finals_;
      last_ = std::move(delta);
      done_.notify_all();
    } else {
      ++deltas_;
      done_.notify_all();
    }
  }
  Delta Wait() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return finals_ > 0; });
    return last_;
  }
  void WaitFirst() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return finals_ + deltas_ > 0; });
  }
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  size_t tokens() {
    const std::lock_guard lock(mutex_);
    return tokens_;
  }
  int finals() {
    const std::lock_guard lock(mutex_);
    return finals_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  std::string text_;
  size_t tokens_ = 0;
  int finals_ = 0;
  int deltas_ = 0;
  Delta last_;
};

constexpr int kContext = 512;
constexpr int kVocab = 257;

class EngineThreadTest : public testing::Test {
 protected:
  EngineThreadTest() : tokenizer_(MakeTestTokenizer()) { Start(); }
  void Start() {
    engine_ = std::make_unique<EngineThread>(
        SchedulerOptions{.max_batch_tokens = 32, .max_sequences = 8, .blocks = 48, .context = kContext},
        SequenceLimits{.context = kContext, .eos_ids = {kTestEos}}, kVocab, executor_, &tokenizer_);
  }
  std::shared_ptr<WaitSink> Submit(Request request) {
    auto sink = std::make_shared<WaitSink>();
    engine_->Submit(std::move(request), sink);
    return sink;
  }

  Tokenizer tokenizer_;
  FakeExecutor executor_{{.blocks = 48, .slots = 8, .vocab = kVocab, .max_tokens = 32}};
  std::unique_ptr<EngineThread> engine_;
};

TEST_F(EngineThreadTest, TheSameSeedGivesTheSameTextAndItIsReported) {
  const SamplingParams params{.max_tokens = 40, .temperature = 0.8f, .ignore_eos = true};
  const auto first = Submit({.id = "a", .prompt = {1, 2, 3}, .params = params});
  const Delta end = first->Wait();
  EXPECT_EQ(end.finish, FinishReason::kLength);
  EXPECT_EQ(first->tokens(), 40u);
  SamplingParams again = params;
  again.seed = end.seed;
  const auto second = Submit({.id = "b", .prompt = {1, 2, 3}, .params = again});
  EXPECT_EQ(second->Wait().seed, end.seed);
  EXPECT_EQ(second->text(), first->text());
  const auto third = Submit({.id = "c", .prompt = {1, 2, 3}, .params = params});
  EXPECT_NE(third->Wait().seed, end.seed);
  EXPECT_NE(third->text(), first->text());
}

TEST_F(EngineThreadTest, AStopStringEndsTheTextBeforeIt) {
  SamplingParams params{.max_tokens = 60, .temperature = 0.f, .ignore_eos = true};
  for (int32_t id = 0; id < 256; ++id) {  // letters only, or most bytes were no text
    if (id < 'a' || id > 'd') params.logit_bias.push_back({id, -std::numeric_limits<float>::infinity()});
  }
  params.logit_bias.push_back({kTestEos, -std::numeric_limits<float>::infinity()});
  const auto whole = Submit({.id = "a", .prompt = {9}, .params = params});
  EXPECT_EQ(whole->Wait().finish, FinishReason::kLength);
  const std::string text = whole->text();
  ASSERT_EQ(text.size(), 60u);
  params.stop = {text.substr(30, 12)};
  const auto stopped = Submit({.id = "b", .prompt = {9}, .params = params});
  EXPECT_EQ(stopped->Wait().finish, FinishReason::kStop);
  EXPECT_EQ(stopped->text(), text.substr(0, text.find(params.stop[0])));
  EXPECT_LE(stopped->tokens(), 42u);
}

TEST_F(EngineThreadTest, AStopStringInTheLastCharactersIsAStop) {
  SamplingParams params{.max_tokens = 1, .stop = {"\xEF\xBF\xBD"}};  // what half a character is shown as
  for (int32_t id = 0; id < kVocab; ++id) {
    if (id != 0xC3) params.logit_bias.push_back({id, -std::numeric_limits<float>::infinity()});
  }
  const auto sink = Submit({.id = "a", .prompt = {9}, .params = params});
  EXPECT_EQ(sink->Wait().finish, FinishReason::kStop);
  EXPECT_EQ(sink->text(), "");
  params.stop = {"x"};
  const auto other = Submit({.id = "b", .prompt = {9}, .params = params});
  EXPECT_EQ(other->Wait().finish, FinishReason::kLength);
  EXPECT_EQ(other->text(), "\xEF\xBF\xBD");
}

TEST_F(EngineThreadTest, RefusesWhatCanNeverRun) {
  EXPECT_THROW(Submit({.id = "a", .prompt = std::vector<int32_t>(kContext, 1)}), Error);
  EXPECT_THROW(Submit({.id = "a", .prompt = {kVocab}}), Error);
  EXPECT_THROW(Submit({.id = "a", .prompt = {1}, .params = {.top_p = 2}}), Error);
  EngineThread ids_only({.max_batch_tokens = 8, .max_sequences = 1, .blocks = 48, .context = kContext},
                        {.context = kContext, .eos_ids = {}}, kVocab, executor_, nullptr);
  EXPECT_THROW(ids_only.Submit({.id = "a", .prompt = {1}, .params = {.stop = {"x"}}}, std::make_shared<WaitSink>()),
               Error);
}

TEST_F(EngineThreadTest, TwoRunningRequestsMayNotShareAnId) {
  const auto first = Submit({.id = "a", .prompt = {1}, .params = {.ignore_eos = true}});
  const auto second = Submit({.id = "a", .prompt = {1}, .params = {.max_tokens = 2}});
  const Delta end = second->Wait();
  if (end.finish == FinishReason::kError) {
    EXPECT_NE(end.error.find("\"a\""), std::string::npos);
  } else {
    EXPECT_EQ(first->finals(), 1) << "the first had ended before";
  }
  engine_->Abort("a");
  first->Wait();
}

TEST_F(EngineThreadTest, AbortEndsARequestAndUnknownIdsAreIgnored) {
  executor_.FailNext(FakeExecutor::Failure::kNone);
  const auto sink = Submit({.id = "a", .prompt = {1, 2}, .params = {.ignore_eos = true}});
  engine_->Abort("nobody");
  sink->WaitFirst();
  engine_->Abort("a");
  const Delta end = sink->Wait();
  EXPECT_TRUE(end.finish == FinishReason::kAborted || end.timings.output_tokens == kContext - 2);
  EXPECT_EQ(sink->finals(), 1);
}

TEST_F(EngineThreadTest, TheDestructorAbortsWhatRuns) {
  std::vector<std::shared_ptr<WaitSink>> sinks;
  for (int i = 0; i < 20; ++i) {
    sinks.push_back(
        Submit({.id = std::to_string(i), .prompt = std::vector<int32_t>(300, 1), .params = {.ignore_eos = true}}));
  }
  engine_.reset();
  int aborted = 0;
  for (const auto& sink : sinks) {
    ASSERT_EQ(sink->finals(), 1);
    aborted += sink->Wait().finish == FinishReason::kAborted ? 1 : 0;
  }
  EXPECT_GT(aborted, 0);
}

// Several users at once: submit, wait or abort, look at the numbers.
TEST_F(EngineThreadTest, ManyThreadsAtOnce) {
  std::atomic<int64_t> tokens{0};
  std::atomic<int> finals{0};
  std::vector<std::thread> users;
  for (int user = 0; user < 4; ++user) {
    users.emplace_back([&, user] {
      std::mt19937 random(static_cast<unsigned>(user));
      for (int i = 0; i < 25; ++i) {
        const std::string id = fmt::format("{}-{}", user, i);
        Request request{.id = id,
                        .prompt = std::vector<int32_t>(1 + random() % 100, 5),
                        .params = {.max_tokens = 1 + static_cast<int>(random() % 80)}};
        if (random() % 3 == 0) request.params.stop = {"a", "\n\n"};
        const auto sink = Submit(std::move(request));
        if (random() % 4 == 0) engine_->Abort(id);
        const Delta end = sink->Wait();
        EXPECT_EQ(end.id, id);
        EXPECT_NE(end.finish, FinishReason::kError) << end.error;
        tokens += static_cast<int64_t>(sink->tokens());
        finals += sink->finals();
        EXPECT_GE(engine_->stats().steps, 0);
      }
    });
  }
  for (std::thread& user : users) user.join();
  EXPECT_EQ(finals, 100);
  EXPECT_GT(tokens, 100);
}

}  // namespace
}  // namespace spate
