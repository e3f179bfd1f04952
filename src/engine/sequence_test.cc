#include "engine/sequence.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/scheduler.h"

namespace spate {
namespace {

// Runs one sequence alone and feeds it tokens.
class SequenceTest : public testing::Test {
 protected:
  void Start(SamplingParams params, int prompt = 4) {
    Request request{
        .id = "r", .prompt = std::vector<int32_t>(static_cast<size_t>(prompt), 1), .params = std::move(params)};
    sequence_ = std::make_unique<Sequence>(request, 42, SequenceLimits{.context = 64, .eos_ids = {2, 3}});
    scheduler_.Add(*sequence_);
  }
  void Feed(int32_t token) {
    scheduler_.Schedule();
    next_ = sequence_->NextSample();
    SampleResult result;
    result.token = token;
    scheduler_.Commit({&result, 1});
  }
  void TearDown() override { scheduler_.Remove(*sequence_); }

  Scheduler scheduler_{{.max_batch_tokens = 64, .max_sequences = 2, .blocks = 4, .context = 64}};
  std::unique_ptr<Sequence> sequence_;
  SampleArgs next_;  // of the token fed last
};

TEST_F(SequenceTest, EosEndsTheOutput) {
  Start({});
  Feed(7);
  EXPECT_FALSE(sequence_->finish());
  Feed(3);
  EXPECT_EQ(sequence_->finish(), FinishReason::kStop);
  EXPECT_TRUE(sequence_->ended_by_id());
}

TEST_F(SequenceTest, IgnoredEosDoesNotButStopIdsDo) {
  Start({.ignore_eos = true, .stop_ids = {9}});
  Feed(2);
  Feed(3);
  EXPECT_FALSE(sequence_->finish());
  Feed(9);
  EXPECT_EQ(sequence_->finish(), FinishReason::kStop);
}

TEST_F(SequenceTest, TheLastTokenMayBeEos) {
  Start({.max_tokens = 2});
  Feed(7);
  Feed(2);
  EXPECT_EQ(sequence_->finish(), FinishReason::kStop) << "not kLength";
}

TEST_F(SequenceTest, BeforeMinTokensEndsAreBanned) {
  Start({.min_tokens = 2, .stop_ids = {9}, .logit_bias = {{5, 1.5f}}});
  for (int i = 0; i < 2; ++i) {
    Feed(7);
    ASSERT_EQ(next_.bias_count, 4);
    for (int b = 0; b < 3; ++b) EXPECT_TRUE(std::isinf(next_.bias[b].bias) && next_.bias[b].bias < 0);
    EXPECT_EQ(next_.bias[3].id, 5);
  }
  Feed(7);
  ASSERT_EQ(next_.bias_count, 1) << "the bans are lifted, the bias stays";
  EXPECT_EQ(next_.bias[0].id, 5);
  Feed(9);
  EXPECT_EQ(sequence_->finish(), FinishReason::kStop);
}

TEST_F(SequenceTest, WithEosIgnoredMinTokensBansOnlyStopIds) {
  Start({.min_tokens = 5, .ignore_eos = true, .stop_ids = {9}});
  Feed(7);
  ASSERT_EQ(next_.bias_count, 1);
  EXPECT_EQ(next_.bias[0].id, 9);
}

TEST_F(SequenceTest, SamplesAreAFunctionOfRequestAndPosition) {
  Start({.temperature = 0.5f, .top_k = 3, .choice = 6, .top_logprobs = 2}, 10);
  Feed(7);
  EXPECT_EQ(next_.position, 10);
  EXPECT_EQ(next_.seed, 42u);
  EXPECT_EQ(next_.choice, 6u);
  EXPECT_EQ(next_.top_k, 3);
  EXPECT_EQ(next_.top_logprobs, 2);
  Feed(7);
  EXPECT_EQ(next_.position, 11);
}

TEST_F(SequenceTest, TinyTemperaturesAreGreedy) {
  Start({.temperature = 1e-30f});
  Feed(7);
  EXPECT_EQ(next_.temperature, 0.f);
}

TEST_F(SequenceTest, HugeMaxTokensEndAtTheContext) {
  Start({.max_tokens = 2147483647});
  EXPECT_EQ(sequence_->limit(), 64);
  Feed(7);
}

}  // namespace
}  // namespace spate
