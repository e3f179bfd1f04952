// Each sampler on a distribution that is worked out by hand, and how often it draws what.
#include "backend/ref/samplers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "backend/ref/sample.h"
#include "base/rng.h"

namespace spate::ref {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

Candidates Of(const std::vector<double>& weights) {  // falling
  Candidates candidates;
  for (const double weight : weights) candidates.push_back({static_cast<int32_t>(candidates.size()), std::log(weight)});
  return candidates;
}

std::vector<float> LogitsOf(const std::vector<double>& weights) {
  std::vector<float> logits;
  for (const double weight : weights) logits.push_back(static_cast<float>(std::log(weight)));
  return logits;
}

std::vector<int32_t> Ids(const Candidates& candidates) {
  std::vector<int32_t> ids;
  for (const Candidate& c : candidates) ids.push_back(c.id);
  return ids;
}

using List = std::vector<int32_t>;

TEST(RefSamplers, TypicalKeepsWhatIsNearestToTheEntropy) {
  // 0.5 0.25 0.125 0.125: entropy 1.75 bits, surprises 1 2 3 3, distances 0.75 0.25 1.25 1.25.
  const auto kept = [](double mass) {
    Candidates c = Of({4, 2, 1, 1});
    KeepTypical(mass, c);
    return Ids(c);
  };
  EXPECT_EQ(kept(0.01), (List{1}));  // and not the most probable one
  EXPECT_EQ(kept(0.24), (List{1}));
  EXPECT_EQ(kept(0.26), (List{0, 1}));
  EXPECT_EQ(kept(0.76), (List{0, 1, 2}));  // of equals the lower id
  EXPECT_EQ(kept(0.88), (List{0, 1, 2, 3}));
  Candidates one = Of({1});
  KeepTypical(0.5, one);
  EXPECT_EQ(Ids(one), (List{0}));
}

TEST(RefSamplers, TopNSigmaCutsBelowTheLargest) {
  // Mean 5, deviations 3 1 1 3: sigma = sqrt(20 / 4) = 2.236.
  const auto kept = [](double n) {
    Candidates c = {{7, 8}, {2, 6}, {3, 4}, {1, 2}};
    KeepTopNSigma(n, c);
    return Ids(c);
  };
  EXPECT_EQ(kept(0.01), (List{7}));
  EXPECT_EQ(kept(0.89), (List{7}));
  EXPECT_EQ(kept(0.90), (List{7, 2}));
  EXPECT_EQ(kept(2), (List{7, 2, 3}));
  EXPECT_EQ(kept(3), (List{7, 2, 3, 1}));
  Candidates equal = Of({1, 1, 1});
  KeepTopNSigma(0, equal);
  EXPECT_EQ(Ids(equal), (List{0, 1, 2}));
}

TEST(RefSamplers, TopNSigmaDoesNotSeeTheTemperature) {
  for (const double temperature : {0.25, 1.0, 8.0}) {
    Candidates c = {{7, 8}, {2, 6}, {3, 4}, {1, 2}};
    Temper(temperature, c);
    KeepTopNSigma(1, c);
    EXPECT_EQ(Ids(c), (List{7, 2})) << temperature;
  }
}

TEST(RefSamplers, XtcSparesTheLeastProbableTopChoice) {
  const auto kept = [](double threshold) {
    Candidates c = Of({5, 3, 1.5, 0.5});  // 0.5 0.3 0.15 0.05
    ExcludeTopChoices(threshold, c);
    return Ids(c);
  };
  EXPECT_EQ(kept(0.6), (List{0, 1, 2, 3}));
  EXPECT_EQ(kept(0.4), (List{0, 1, 2, 3}));  // a single top choice stays
  EXPECT_EQ(kept(0.2), (List{1, 2, 3}));
  EXPECT_EQ(kept(0.1), (List{2, 3}));
  EXPECT_EQ(kept(0.01), (List{3}));
}

TEST(RefSamplers, DynamicTemperatureFollowsTheEntropy) {
  // 0.8 and 0.2: entropy 0.5004 of ln 2 = 0.6931, a share of 0.7219.
  const double share = (0.8 * std::log(1 / 0.8) + 0.2 * std::log(1 / 0.2)) / std::log(2.0);
  ASSERT_NEAR(share, 0.7219, 1e-4);
  for (const double exponent : {1.0, 2.0}) {
    Candidates c = Of({8, 2});
    TemperByEntropy(1, 0.5, exponent, c);
    EXPECT_NEAR(c[0].logit - c[1].logit, std::log(4.0) / (0.5 + std::pow(share, exponent)), 1e-12);
  }
  Candidates even = Of({1, 1, 1});  // all of it: the highest temperature
  even[0].logit = even[1].logit = even[2].logit = 3;
  TemperByEntropy(1, 0.5, 1, even);
  EXPECT_NEAR(even[0].logit, 2, 1e-12);
  Candidates sure = {{0, 1000}, {1, 0}};  // none of it, and a range down to 0: finite all the same
  TemperByEntropy(0.5, 2, 1, sure);
  EXPECT_EQ(Softmax(sure)[0], 1);
  Candidates one = {{4, 2}};
  TemperByEntropy(1, 0.5, 1, one);
  EXPECT_EQ(one[0].logit, 2);
}

TEST(RefSamplers, DryPenalisesByTheLengthOfTheRepetition) {
  SamplerExtras extras;
  extras.dry_multiplier = 0.5f;
  extras.dry_base = 2;
  extras.dry_allowed_length = 2;
  const auto penalties = [&](const List& tokens) {
    Candidates c;
    for (int32_t id = 0; id < 6; ++id) c.push_back({id, 0});
    SuppressRepetition(extras, tokens, c);
    std::vector<double> values(6);
    for (const Candidate& candidate : c) values[static_cast<size_t>(candidate.id)] = -candidate.logit;
    return values;
  };
  using Values = std::vector<double>;
  // "1 2 3 4 1 2 3": 4 would repeat three tokens and more, 0.5 * 2^(3 - 2).
  EXPECT_EQ(penalties({1, 2, 3, 4, 1, 2, 3}), (Values{0, 0, 0, 0, 1, 0}));
  // "2 3" was followed by 4, "3" alone by 5: one token is allowed.
  EXPECT_EQ(penalties({2, 3, 4, 3, 5, 0, 2, 3}), (Values{0, 0, 0, 0, 0.5, 0}));
  EXPECT_EQ(penalties({1, 1, 1, 1}), (Values{0, 1, 0, 0, 0, 0}));  // overlapping: "1 1 1" came before
  EXPECT_EQ(penalties({}), Values(6));
  EXPECT_EQ(penalties({1}), Values(6));

  const int32_t breakers[] = {3};
  extras.dry_breakers = breakers;
  extras.dry_breaker_count = 1;
  EXPECT_EQ(penalties({1, 2, 3, 4, 1, 2, 3}), Values(6)) << "the last token breaks";
  EXPECT_EQ(penalties({1, 3, 4, 5, 0, 1, 3, 4}), Values(6)) << "only \"4\" lies behind the breaker";
  EXPECT_EQ(penalties({1, 2, 3, 1, 2}), Values(6)) << "a breaker is not penalised";
  EXPECT_EQ(penalties({3, 1, 2, 4, 3, 1, 2}), (Values{0, 0, 0, 0, 0.5, 0}));

  extras.dry_breaker_count = 0;
  extras.dry_last_n = 6;  // the first "1" is out of sight: "2 3" is left
  EXPECT_EQ(penalties({1, 2, 3, 4, 1, 2, 3}), (Values{0, 0, 0, 0, 0.5, 0}));

  extras.dry_last_n = -1;
  extras.dry_base = 100;  // 100^48 is finite, and so is the logit
  const double most = penalties(List(200, 1))[1];
  EXPECT_GT(most, 1e29);
  EXPECT_TRUE(std::isfinite(most));
}

TEST(RefSamplers, MirostatDropsSurprisesAboveMu) {
  const auto kept = [](double mu) {
    Candidates c = Of({4, 2, 1, 1});  // 1 2 3 3 bits
    KeepMirostat(mu, c);
    return Ids(c);
  };
  EXPECT_EQ(kept(-5), (List{0}));
  EXPECT_EQ(kept(1.5), (List{0}));
  EXPECT_EQ(kept(2.5), (List{0, 1}));
  EXPECT_EQ(kept(3.5), (List{0, 1, 2, 3}));
  SamplerExtras extras;
  extras.mirostat_tau = 2;
  extras.mirostat_eta = 0.5f;
  EXPECT_EQ(NextMu(extras, 4, 3), 3.5f);
  EXPECT_EQ(NextMu(extras, 4, 1), 4.5f);
}

TEST(RefSamplers, MirostatLearnsFromTheSurpriseBeforeItsCut) {
  SamplerExtras extras;
  extras.mirostat = true;
  extras.mirostat_tau = 3;
  extras.mirostat_eta = 1;
  SampleArgs args;
  args.temperature = 1;
  args.extras = &extras;
  SlotState slot;
  slot.mirostat_mu = 1.5f;  // leaves the first: 1 bit, although it is certain now
  const SampleResult result = SampleRow(LogitsOf({4, 2, 1, 1}), args, slot);
  EXPECT_EQ(result.token, 0);
  EXPECT_NEAR(result.mirostat_mu, 1.5 - (1 - 3), 1e-6);
  args.temperature = 0;
  EXPECT_EQ(SampleRow(LogitsOf({4, 2, 1, 1}), args, slot).mirostat_mu, 1.5f) << "greedy leaves it alone";
}

TEST(RefSamplers, MirostatReachesItsTarget) {
  std::vector<float> logits(2000);  // Zipf: entropy 7.9 bits
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = -std::log(static_cast<float>(i + 1));
  Candidates all;
  for (size_t i = 0; i < logits.size(); ++i) all.push_back({static_cast<int32_t>(i), static_cast<double>(logits[i])});
  const std::vector<double> surprise = Surprise(all);
  for (const float tau : {3.0f, 5.0f}) {
    SamplerExtras extras;
    extras.mirostat = true;
    extras.mirostat_tau = tau;
    extras.mirostat_eta = 0.1f;
    SampleArgs args;
    args.temperature = 1;
    args.extras = &extras;
    SlotState slot;
    slot.mirostat_mu = 2 * tau;
    double sum = 0;
    constexpr int kDraws = 3000;
    for (int i = 0; i < kDraws; ++i) {
      args.position = i;
      const SampleResult result = SampleRow(logits, args, slot);
      slot.Take(result);
      sum += surprise[static_cast<size_t>(result.token)] / std::log(2.0);
    }
    // The errors telescope: their sum is (first mu - last mu) / eta, so the mean is within |change of mu| / (eta n).
    EXPECT_NEAR(sum / kDraws, static_cast<double>(tau), 0.05);
  }
}

TEST(RefSamplers, BadWordsBanTheirLastToken) {
  const int32_t words[] = {1, 2, 3, 4, 2, 2, 2, 1};  // "1 2 3", "4", "2 2", "2 1"
  const int32_t ends[] = {3, 4, 6, 8};
  SamplerExtras extras;
  extras.bad_words = words;
  extras.bad_word_ends = ends;
  extras.bad_word_count = 4;
  SampleArgs args;
  args.temperature = 1;
  args.extras = &extras;
  const auto banned = [&](const List& prompt, const List& output) {
    SlotState slot;
    slot.Start({.remember = true, .prompt = prompt, .output = output}, 6);
    std::set<int32_t> ids;
    const std::vector<double> adjusted = AdjustedLogits(std::vector<float>(6, 1.0f), args, slot);
    for (size_t i = 0; i < adjusted.size(); ++i) {
      if (std::isinf(adjusted[i])) ids.insert(static_cast<int32_t>(i));
    }
    return ids;
  };
  EXPECT_EQ(banned({}, {}), (std::set<int32_t>{4}));
  EXPECT_EQ(banned({0}, {1}), (std::set<int32_t>{4}));
  EXPECT_EQ(banned({0, 1}, {2}), (std::set<int32_t>{1, 2, 3, 4})) << "also across the end of the prompt";
  EXPECT_EQ(banned({0}, {0, 2}), (std::set<int32_t>{1, 2, 4}));

  const int32_t all[] = {0, 1, 2};
  const int32_t all_ends[] = {1, 2, 3};
  extras.bad_words = all;
  extras.bad_word_ends = all_ends;
  extras.bad_word_count = 3;
  EXPECT_EQ(SampleRow(std::vector<float>{1, 1, 1, -kInf}, args, {}).token, 3) << "the lowest that is not banned";
}

TEST(RefSamplers, TheOrderDecides) {
  SamplerExtras extras;
  SampleArgs args;
  args.temperature = 2;
  args.top_p = 0.85f;
  args.extras = &extras;
  extras.step_count = 2;
  const std::vector<float> logits = LogitsOf({16, 4, 1});
  extras.steps[0] = SamplerStep::kTopP;  // 16 of 21 and 4: 20 / 21
  extras.steps[1] = SamplerStep::kTemperature;
  const std::vector<double> first = Probabilities(logits, args, {});
  EXPECT_NEAR(first[0], 4 / 6.0, 1e-6);
  EXPECT_NEAR(first[1], 2 / 6.0, 1e-6);
  EXPECT_EQ(first[2], 0);
  extras.steps[0] = SamplerStep::kTemperature;  // 4, 2 and 1 of 7: 6 / 7 are just enough
  extras.steps[1] = SamplerStep::kTopP;
  args.top_p = 0.86f;
  EXPECT_NEAR(Probabilities(logits, args, {})[2], 1 / 7.0, 1e-6);
  extras.step_count = 0;  // nothing that is not listed, not even the temperature
  EXPECT_NEAR(Probabilities(logits, args, {})[0], 16 / 21.0, 1e-6);
}

// As in sample_test.cc: 3 degrees of freedom at most, P(chi2 > 21.1) = 1e-4, and the seeds are fixed.
double ChiSquare(const std::vector<float>& logits, SampleArgs args, const std::vector<double>& expected) {
  constexpr int kDraws = 20000;
  std::vector<int> seen(logits.size());
  for (int i = 0; i < kDraws; ++i) {
    args.seed = static_cast<uint64_t>(i);
    ++seen[static_cast<size_t>(SampleRow(logits, args, {}).token)];
  }
  double chi2 = 0;
  for (size_t t = 0; t < expected.size(); ++t) {
    const double want = expected[t] * kDraws;
    if (want == 0) {
      EXPECT_EQ(seen[t], 0) << "token " << t << " was filtered out";
      continue;
    }
    chi2 += (seen[t] - want) * (seen[t] - want) / want;
  }
  return chi2;
}

TEST(RefSamplers, DrawsFollowTheDistributionOverManySeeds) {
  const std::vector<float> logits = LogitsOf({5, 3, 1.5, 0.5});
  SamplerExtras extras;
  SampleArgs args;
  args.temperature = 1;
  args.extras = &extras;
  const auto only = [&](SamplerStep step) {
    extras = {};
    extras.steps[0] = step;
    extras.step_count = 1;
  };
  only(SamplerStep::kXtc);
  extras.xtc_threshold = 0.2f;
  extras.xtc_probability = 0.5f;  // a half {5 3 1.5 0.5} / 10, a half {0 3 1.5 0.5} / 5
  EXPECT_LT(ChiSquare(logits, args, {0.25, 0.45, 0.225, 0.075}), 21.1);
  EXPECT_GT(ChiSquare(logits, args, {0.27, 0.43, 0.225, 0.075}), 21.1) << "the statistic sees a small difference";
  extras.xtc_probability = 1;
  EXPECT_LT(ChiSquare(logits, args, {0, 0.6, 0.3, 0.1}), 21.1);

  only(SamplerStep::kTypicalP);
  // Entropy 1.14 nats; surprises 0.69 1.20 1.90 3.00: the second, the first, the third.
  extras.typical_p = 0.7f;
  EXPECT_LT(ChiSquare(logits, args, {5 / 8.0, 3 / 8.0, 0, 0}), 21.1);

  only(SamplerStep::kTopNSigma);
  // Logits 1.61 1.10 0.41 -0.69, sigma 0.86.
  extras.top_n_sigma = 1;
  EXPECT_LT(ChiSquare(logits, args, {5 / 8.0, 3 / 8.0, 0, 0}), 21.1);
  extras.top_n_sigma = 1.5f;
  EXPECT_LT(ChiSquare(logits, args, {5 / 9.5, 3 / 9.5, 1.5 / 9.5, 0}), 21.1);
}

TEST(RefSamplers, XtcTossesACoinOfItsOwn) {
  // Were the coin the number that the draw uses, an exclusion at probability 0.5 would only ever see u < 0.5.
  const std::vector<float> logits = LogitsOf({4, 4, 1, 1});
  SamplerExtras extras;
  extras.steps[0] = SamplerStep::kXtc;
  extras.step_count = 1;
  extras.xtc_threshold = 0.3f;
  extras.xtc_probability = 0.5f;
  SampleArgs args;
  args.temperature = 1;
  args.extras = &extras;
  // Excluded (u in [0, 1)): {0 4 1 1} / 6. Else {4 4 1 1} / 10.
  EXPECT_LT(ChiSquare(logits, args, {0.2, 0.2 + 1 / 3.0, 0.05 + 1 / 12.0, 0.05 + 1 / 12.0}), 21.1);
}

}  // namespace
}  // namespace spate::ref
