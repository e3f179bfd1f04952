#include "backend/ref/sample.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "base/rng.h"

namespace spate::ref {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Logits whose softmax is proportional to `weights`.
std::vector<float> LogitsOf(const std::vector<double>& weights) {
  std::vector<float> logits;
  for (double weight : weights) logits.push_back(static_cast<float>(std::log(weight)));
  return logits;
}

std::vector<double> Distribution(const std::vector<float>& logits, const SampleArgs& args, const SlotState& slot = {}) {
  return Probabilities(logits, args, slot);
}

void ExpectNear(const std::vector<double>& got, const std::vector<double>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-6) << "token " << i;
}

SampleArgs Args(float temperature) {
  SampleArgs args;
  args.temperature = temperature;
  return args;
}

TEST(RefSample, GreedyTakesTheLowestIdAmongEquals) {
  EXPECT_EQ(SampleRow(std::vector<float>{1, 5, 5, 2}, Args(0), {}).token, 1);
}

TEST(RefSample, TemperatureIsAPowerOfTheProbabilities) {
  ExpectNear(Distribution(LogitsOf({1, 2, 1}), Args(1)), {0.25, 0.5, 0.25});
  ExpectNear(Distribution(LogitsOf({1, 2, 1}), Args(0.5f)), {1 / 6.0, 4 / 6.0, 1 / 6.0});
  ExpectNear(Distribution(LogitsOf({1, 4, 1}), Args(2)), {0.25, 0.5, 0.25});
  ExpectNear(Distribution({100, 0}, Args(1e-30f)), {1, 0});
}

TEST(RefSample, TopKKeepsTheLowestIdsAmongEquals) {
  SampleArgs args = Args(1);
  args.top_k = 2;
  ExpectNear(Distribution(LogitsOf({1, 3, 1, 1}), args), {0.25, 0.75, 0, 0});
  args.top_k = 9;
  ExpectNear(Distribution(LogitsOf({1, 3, 1, 1}), args), {1 / 6.0, 0.5, 1 / 6.0, 1 / 6.0});
}

TEST(RefSample, TopPKeepsTheSmallestSetThatReachesIt) {
  SampleArgs args = Args(1);
  const std::vector<float> logits = LogitsOf({1, 5, 2, 2});  // 0.1 0.5 0.2 0.2
  args.top_p = 0.4f;
  ExpectNear(Distribution(logits, args), {0, 1, 0, 0});
  args.top_p = 0.6f;
  ExpectNear(Distribution(logits, args), {0, 5 / 7.0, 2 / 7.0, 0});
  args.top_p = 0.8f;
  ExpectNear(Distribution(logits, args), {0, 5 / 9.0, 2 / 9.0, 2 / 9.0});
  args.top_p = 0.0f;  // the most probable token always survives
  ExpectNear(Distribution(logits, args), {0, 1, 0, 0});
}

TEST(RefSample, TopPSeesTheProbabilitiesAfterTemperatureAndTopK) {
  SampleArgs args = Args(1);
  const std::vector<float> logits = LogitsOf({5, 3, 2});
  args.top_p = 0.6f;  // 0.5 alone does not reach it ...
  ExpectNear(Distribution(logits, args), {5 / 8.0, 3 / 8.0, 0});
  args.top_k = 2;  // ... 0.625 does
  ExpectNear(Distribution(logits, args), {1, 0, 0});
  args.top_k = 0;
  args.temperature = 0.5f;  // 25 / 38 does
  ExpectNear(Distribution(logits, args), {1, 0, 0});
}

TEST(RefSample, MinPIsRelativeToTheMostProbable) {
  SampleArgs args = Args(1);
  args.min_p = 0.3f;
  ExpectNear(Distribution(LogitsOf({10, 4, 2}), args), {10 / 14.0, 4 / 14.0, 0});
  args.min_p = 1.0f;
  ExpectNear(Distribution(LogitsOf({10, 4, 2}), args), {1, 0, 0});
}

TEST(RefSample, BiasComesFirst) {
  const TokenBias bias[] = {{0, -kInf}, {2, std::log(3.0f)}};
  SampleArgs args = Args(1);
  args.bias = bias;
  args.bias_count = 2;
  ExpectNear(Distribution(LogitsOf({5, 1, 1}), args), {0, 0.25, 0.75});
}

TEST(RefSample, PenaltiesReadTheSlot) {
  SlotState slot;
  slot.tracked = true;
  slot.in_prompt = {1, 0, 1, 0, 0};
  slot.in_output = {0, 2, 0, 1, 0};
  SampleArgs args = Args(1);
  args.repetition_penalty = 2;
  args.presence_penalty = 0.5f;
  args.frequency_penalty = 0.25f;
  const std::vector<float> logits = {4, 4, -4, -4, 4};
  const auto penalized = [&] {
    Candidates candidates;
    for (size_t i = 0; i < logits.size(); ++i) {
      candidates.push_back({static_cast<int32_t>(i), static_cast<double>(logits[i])});
    }
    Penalize(args, slot, candidates);
    std::vector<double> values(logits.size());
    for (const Candidate& c : candidates) values[static_cast<size_t>(c.id)] = c.logit;
    return values;
  };
  EXPECT_EQ(penalized(), (std::vector<double>{2, 2 - 0.5 - 0.5, -8, -8 - 0.5 - 0.25, 4}));
  slot.tracked = false;
  EXPECT_EQ(penalized(), (std::vector<double>{4, 4, -4, -4, 4}));
}

TEST(RefSample, NanAndInfinity) {
  EXPECT_EQ(SampleRow(std::vector<float>{kNan, 1, 2}, Args(0), {}).token, 2);
  ExpectNear(Distribution({kNan, 0, 0}, Args(1)), {0, 0.5, 0.5});
  ExpectNear(Distribution({kInf, 0, 0}, Args(1)), {1, 0, 0});
  ExpectNear(Distribution({-kInf, 0, -kInf}, Args(1)), {0, 1, 0});
}

TEST(RefSample, WithoutAFiniteLogitTheLowestIdThatIsNotBanned) {
  const TokenBias bias[] = {{0, -kInf}, {1, -kInf}};
  SampleArgs args = Args(0.7f);
  EXPECT_EQ(SampleRow(std::vector<float>{-kInf, kNan, -kInf}, args, {}).token, 0);
  EXPECT_TRUE(SampleRow(std::vector<float>{-kInf, kNan, -kInf}, args, {}).no_logits);
  EXPECT_FALSE(SampleRow(std::vector<float>{-kInf, kNan, -9}, args, {}).no_logits);
  args.bias = bias;
  args.bias_count = 1;
  EXPECT_EQ(SampleRow(std::vector<float>{-kInf, kNan, -kInf}, args, {}).token, 1);
  args.bias_count = 2;
  EXPECT_EQ(SampleRow(std::vector<float>{-kInf, kNan}, args, {}).token, 0);
  EXPECT_FALSE(SampleRow(std::vector<float>{1, 2}, args, {}).no_logits);  // the request bans them, not the model
}

TEST(RefSample, DrawInvertsTheDistributionFunction) {
  const std::vector<double> probabilities = {0.25, 0, 0.5, 0.25};
  EXPECT_EQ(Draw(probabilities, 0.0), 0);
  EXPECT_EQ(Draw(probabilities, 0.2499), 0);
  EXPECT_EQ(Draw(probabilities, 0.25), 2);
  EXPECT_EQ(Draw(probabilities, 0.7499), 2);
  EXPECT_EQ(Draw(probabilities, 0.75), 3);
  EXPECT_EQ(Draw(probabilities, 0.999999), 3);
  EXPECT_EQ(Draw(std::vector<double>{0, 0.5, 0.25, 0}, 0.9), 2);
}

TEST(RefSample, LogProbabilitiesAreThoseOfTheRawLogits) {
  const TokenBias bias[] = {{1, -kInf}};
  SampleArgs args = Args(0);
  args.bias = bias;
  args.bias_count = 1;
  args.top_logprobs = 3;
  const SampleResult result = SampleRow(LogitsOf({1, 5, 2, 2}), args, {});
  EXPECT_EQ(result.token, 2);
  EXPECT_NEAR(result.logprob, std::log(0.2), 1e-6);
  ASSERT_EQ(result.top_count, 3);
  const int32_t ids[] = {1, 2, 3};
  const double logprobs[] = {std::log(0.5), std::log(0.2), std::log(0.2)};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(result.top_ids[i], ids[i]);
    EXPECT_NEAR(result.top_logprobs[i], logprobs[i], 1e-6);
  }
  args.top_logprobs = 0;
  EXPECT_EQ(SampleRow(LogitsOf({1, 5, 2, 2}), args, {}).top_count, 0);
  args.top_logprobs = kMaxTopLogprobs;
  EXPECT_EQ(SampleRow(LogitsOf({1, 5, 2, 2}), args, {}).top_count, 4);
}

TEST(RefSample, ADrawIsAFunctionOfSeedChoiceAndPosition) {
  const std::vector<float> logits(1000, 0.0f);
  SampleArgs args = Args(1);
  args.seed = 7;
  args.position = 3;
  const int32_t token = SampleRow(logits, args, {}).token;
  EXPECT_EQ(SampleRow(logits, args, {}).token, token);
  EXPECT_EQ(token, static_cast<int32_t>(std::floor(static_cast<double>(UniformAt(7, 0, 3, 0)) * 1000)));
  int same = 0;
  for (uint32_t choice = 1; choice <= 20; ++choice) {
    args.choice = choice;
    same += SampleRow(logits, args, {}).token == token;
  }
  EXPECT_LT(same, 4);
}

// Pearson's statistic of 20,000 draws over consecutive positions against the probabilities that the
// settings imply. 4 degrees of freedom at most: P(chi2 > 23.5) = 1e-4, and the seeds are fixed.
double ChiSquare(const std::vector<float>& logits, SampleArgs args, const SlotState& slot,
                 const std::vector<double>& expected) {
  constexpr int kDraws = 20000;
  std::vector<int> seen(logits.size());
  for (int i = 0; i < kDraws; ++i) {
    args.position = i;
    ++seen[static_cast<size_t>(SampleRow(logits, args, slot).token)];
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

TEST(RefSample, DrawsFollowTheDistribution) {
  const std::vector<float> logits = LogitsOf({1, 5, 2, 1.5, 0.5});
  SampleArgs args = Args(1);
  args.seed = 1234;
  EXPECT_LT(ChiSquare(logits, args, {}, {0.1, 0.5, 0.2, 0.15, 0.05}), 23.5);
  args.top_k = 3;
  EXPECT_LT(ChiSquare(logits, args, {}, {0, 5 / 8.5, 2 / 8.5, 1.5 / 8.5, 0}), 23.5);
  args.min_p = 0.35f;
  EXPECT_LT(ChiSquare(logits, args, {}, {0, 5 / 7.0, 2 / 7.0, 0, 0}), 23.5);

  SlotState slot;
  slot.tracked = true;
  slot.in_prompt.assign(5, 0);
  slot.in_output = {0, 3, 0, 0, 0};
  args = Args(1);
  args.seed = 99;
  args.presence_penalty = std::log(2.0f);
  args.frequency_penalty = std::log(1.25f);  // 5 -> 5 / (2 * 1.25^3) = 1.28
  const double total = 1 + 1.28 + 2 + 1.5 + 0.5;
  EXPECT_LT(ChiSquare(logits, args, slot, {1 / total, 1.28 / total, 2 / total, 1.5 / total, 0.5 / total}), 23.5);
  // The statistic sees a distribution that is a little off.
  EXPECT_GT(ChiSquare(logits, args, slot, {1 / 6.6, 1.6 / 6.6, 2 / 6.6, 1.5 / 6.6, 0.5 / 6.6}), 23.5);
}

}  // namespace
}  // namespace spate::ref
