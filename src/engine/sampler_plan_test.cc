#include "engine/sampler_plan.h"

#include <gtest/gtest.h>

#include "engine/sampling_options.h"

namespace spate {
namespace {

TEST(SamplerPlan, TheUsualSamplersInTheirOrderNeedNoExtras) {
  SamplingParams p;
  p.temperature = 0.7f;
  p.top_k = 40;
  p.top_p = 0.9f;
  p.repetition_penalty = 1.1f;
  p.bad_words_ids = {{5}};  // one token: a ban like any other
  for (const char* order : {"penalties;dry;top_n_sigma;temperature;top_k;typical_p;top_p;min_p;xtc",
                            "penalties;temperature;top_k;top_p", "xtc;penalties;min_p;temperature;top_k;top_p"}) {
    p.samplers = ParseSamplers(order, "x");
    const SamplerPlan plan(p);
    EXPECT_EQ(plan.extras(), nullptr) << order;
    EXPECT_TRUE(plan.counts());
    EXPECT_FALSE(plan.remembers());
    EXPECT_EQ(std::vector<int32_t>(plan.bans().begin(), plan.bans().end()), (std::vector<int32_t>{5}));
    SampleArgs args;
    plan.Fill(args);
    EXPECT_EQ(args.temperature, 0.7f);
    EXPECT_EQ(args.top_k, 40);
    EXPECT_EQ(args.top_p, 0.9f);
    EXPECT_EQ(args.repetition_penalty, 1.1f);
  }
}

TEST(SamplerPlan, AnotherOrderIsKept) {
  SamplingParams p;
  p.temperature = 0.7f;
  p.top_k = 40;
  p.top_p = 0.9f;
  p.samplers = ParseSamplers("top_k;min_p;top_p;temperature", "x");
  const SamplerPlan plan(p);
  ASSERT_NE(plan.extras(), nullptr);
  ASSERT_EQ(plan.extras()->step_count, 3) << "min_p is off";
  EXPECT_EQ(plan.extras()->steps[0], SamplerStep::kTopK);
  EXPECT_EQ(plan.extras()->steps[1], SamplerStep::kTopP);
  EXPECT_EQ(plan.extras()->steps[2], SamplerStep::kTemperature);
}

TEST(SamplerPlan, WhatIsNotListedIsOff) {
  SamplingParams p;
  p.temperature = 0;
  p.top_p = 0.5f;
  p.presence_penalty = 1;
  p.dry_multiplier = 1;
  p.dynatemp_range = 1;
  p.samplers = ParseSamplers("top_k", "x");
  const SamplerPlan plan(p);
  EXPECT_EQ(plan.extras(), nullptr);
  EXPECT_FALSE(plan.counts() || plan.remembers());
  SampleArgs args;
  plan.Fill(args);
  EXPECT_EQ(args.temperature, 1);
  EXPECT_EQ(args.top_p, 1);
  EXPECT_EQ(args.presence_penalty, 0);
}

TEST(SamplerPlan, WhatLooksBackSaysSo) {
  SamplingParams dry;
  dry.dry_multiplier = 0.8f;
  dry.dry_breaker_ids = {9, 2, 5};
  const SamplerPlan plan(dry);
  EXPECT_TRUE(plan.remembers());
  ASSERT_NE(plan.extras(), nullptr);
  EXPECT_EQ(std::vector<int32_t>(plan.extras()->dry_breakers, plan.extras()->dry_breakers + 3),
            (std::vector<int32_t>{2, 5, 9}));
  dry.dry_last_n = 0;
  EXPECT_EQ(SamplerPlan(dry).extras(), nullptr);

  SamplingParams words;
  words.temperature = 0;
  words.bad_words_ids = {{1}, {2, 3}, {4, 5, 6}};
  const SamplerPlan banned(words);
  EXPECT_TRUE(banned.remembers());
  ASSERT_EQ(banned.extras()->bad_word_count, 2);
  EXPECT_EQ(banned.extras()->bad_word_ends[0], 2);
  EXPECT_EQ(banned.extras()->bad_word_ends[1], 5);
  EXPECT_EQ(banned.extras()->bad_words[4], 6);

  SamplingParams mirostat;
  mirostat.mirostat = 2;
  mirostat.mirostat_tau = 3;
  EXPECT_EQ(SamplerPlan(mirostat).FirstMu(), 6);
}

TEST(SamplerPlan, GreedyAsksNoFilter) {
  SamplingParams p;
  p.temperature = 1e-6f;
  p.xtc_probability = 1;
  p.typical_p = 0.5f;
  p.dynatemp_range = 2;
  const SamplerPlan plan(p);
  EXPECT_EQ(plan.extras(), nullptr);
  SampleArgs args;
  plan.Fill(args);
  EXPECT_EQ(args.temperature, 0);
}

}  // namespace
}  // namespace spate
