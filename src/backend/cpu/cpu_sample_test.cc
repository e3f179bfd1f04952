#include "backend/cpu/cpu_sample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "backend/cpu/kernel_levels_for_test.h"
#include "backend/ref/sample.h"
#include "base/rng.h"

namespace spate::cpu {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> RandomLogits(int vocab, uint32_t seed, float spread) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> logits(static_cast<size_t>(vocab));
  for (float& logit : logits) logit = normal(random);
  return logits;
}

// One Sampler with its pool, fed with rows.
class SampleRows {
 public:
  SampleRows(const KernelTable& kernels, int vocab, int rows, int slots, int threads = 2)
      : pool_(threads), vocab_(vocab), sampler_(Config(vocab, rows, slots), kernels.rows, pool_) {}

  Sampler& sampler() { return sampler_; }

  std::vector<SampleResult> Sample(const std::vector<std::vector<float>>& logits, const std::vector<SampleArgs>& args) {
    const int64_t stride = vocab_ + 3;
    std::vector<float> rows(logits.size() * static_cast<size_t>(stride), kNan);
    for (size_t r = 0; r < logits.size(); ++r) {
      std::copy(logits[r].begin(), logits[r].end(), rows.begin() + static_cast<ptrdiff_t>(r) * stride);
    }
    const std::vector<float> before = rows;
    Batch batch;
    batch.outputs = static_cast<int>(logits.size());
    batch.sample = args.data();
    std::vector<SampleResult> results(logits.size());
    sampler_.Sample(batch, {rows.data(), batch.outputs, vocab_, stride, DType::kF32}, results);
    EXPECT_TRUE(std::equal(rows.begin(), rows.end(), before.begin(),
                           [](float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }));
    return results;
  }
  SampleResult One(const std::vector<float>& logits, const SampleArgs& args) { return Sample({logits}, {args})[0]; }

 private:
  static OpsConfig Config(int vocab, int rows, int slots) {
    OpsConfig config;
    config.vocab = vocab;
    config.max_outputs = rows;
    config.slots = slots;
    config.max_context = 64;
    return config;
  }
  ThreadPool pool_;
  int vocab_;
  Sampler sampler_;
};

// The token must be one that the definition keeps, and u must lie in its stretch of the distribution function, but for
// what f32 weights can move its ends.
void ExpectDrawn(const std::vector<float>& logits, const SampleArgs& args, const ref::SlotState& slot, int32_t token) {
  const std::vector<double> p = ref::Probabilities(logits, args, slot);
  const double u = static_cast<double>(UniformAt(args.seed, args.choice, static_cast<uint64_t>(args.position), 0));
  ASSERT_TRUE(token >= 0 && static_cast<size_t>(token) < p.size()) << token;
  double begin = 0;
  for (int32_t i = 0; i < token; ++i) begin += p[static_cast<size_t>(i)];
  const double end = begin + p[static_cast<size_t>(token)];
  EXPECT_GT(end, begin) << "token " << token << " was filtered out";
  EXPECT_GE(u, begin - 2e-6);
  EXPECT_LE(u, end + 2e-6);
}

void ExpectSameLogProbabilities(const SampleResult& expected, const SampleResult& result) {
  EXPECT_NEAR(result.logprob, expected.logprob, 2e-5);
  ASSERT_EQ(result.top_count, expected.top_count);
  for (int i = 0; i < expected.top_count; ++i) {
    EXPECT_EQ(result.top_ids[i], expected.top_ids[i]) << i;
    EXPECT_NEAR(result.top_logprobs[i], expected.top_logprobs[i], 2e-5) << i;
  }
}

class CpuSampleTest : public testing::TestWithParam<const KernelTable*> {};

TEST_P(CpuSampleTest, GreedyTakesTheLowestIdAmongEquals) {
  for (const int vocab : {1, 2, 15, 16, 17, 63, 64, 65, 200, 1031}) {
    SampleRows rows(*GetParam(), vocab, 1, 1);
    for (int at = 0; at < vocab; at += 1 + vocab / 40) {
      std::vector<float> logits(static_cast<size_t>(vocab), -2.0f);
      logits[static_cast<size_t>(at)] = -1;
      for (size_t i = static_cast<size_t>(at); i < logits.size(); i += 7) logits[i] = -1;
      EXPECT_EQ(rows.One(logits, {}).token, at) << vocab;
      logits[0] = kNan;
      logits[static_cast<size_t>(vocab) - 1] = kNan;
      EXPECT_EQ(rows.One(logits, {}).token, ref::SampleRow(logits, {}, {}).token) << vocab;
    }
  }
}

TEST_P(CpuSampleTest, InfiniteAndBannedLogits) {
  SampleRows rows(*GetParam(), 70, 1, 1);
  std::vector<float> logits(70, 1.0f);
  logits[30] = logits[40] = kInfinity;
  const std::vector<TokenBias> ban = {{30, -kInfinity}};
  for (const float temperature : {0.0f, 1.0f}) {
    SampleArgs args;
    args.temperature = temperature;
    args.position = 5;
    ExpectDrawn(logits, args, {}, rows.One(logits, args).token);
    args.bias = ban.data();
    args.bias_count = 1;
    EXPECT_EQ(rows.One(logits, args).token, 40);
    args.top_k = 3;
    EXPECT_EQ(rows.One(logits, args).token, 40);
  }
  std::vector<TokenBias> all;
  for (int32_t id = 0; id < 70; ++id) all.push_back({id, -kInfinity});
  SampleArgs args;
  args.bias = all.data();
  args.temperature = 1;
  for (const int count : {0, 1, 5, 70}) {
    args.bias_count = count;
    EXPECT_EQ(rows.One(std::vector<float>(70, kNan), args).token, count == 70 ? 0 : count);
    EXPECT_TRUE(rows.One(std::vector<float>(70, kNan), args).no_logits);
    EXPECT_FALSE(rows.One(std::vector<float>(70, 1), args).no_logits);  // the request may ban all, the model did not
  }
}

TEST_P(CpuSampleTest, DrawsByTheDefinition) {
  std::mt19937 random(4);
  const auto pick = [&](std::initializer_list<float> values) { return *(values.begin() + random() % values.size()); };
  for (const int vocab : {1, 5, 64, 65, 1000, 5000}) {
    SampleRows rows(*GetParam(), vocab, 1, 1);
    for (int round = 0; round < 120; ++round) {
      const std::vector<float> logits = RandomLogits(vocab, static_cast<uint32_t>(random()), pick({0.1f, 1, 4}));
      SampleArgs args;
      args.seed = random();
      args.position = round;
      args.choice = static_cast<uint32_t>(round % 3);
      args.temperature = pick({0.0f, 0.3f, 0.8f, 1.0f, 2.5f});
      args.top_k = static_cast<int32_t>(pick({0, 0, 1, 2, 20, 300, 100000}));
      args.top_p = pick({1, 1, 0.95f, 0.5f, 0.01f});
      args.min_p = pick({0, 0, 0.02f, 0.5f, 1});
      const std::vector<TokenBias> bias = {{0, 2.0f}, {vocab / 2, -1.5f}, {vocab - 1, -kInfinity}};
      if (round % 2 == 0) {
        args.bias = bias.data();
        args.bias_count = 3;
      }
      SCOPED_TRACE(testing::Message() << "vocab " << vocab << " T " << args.temperature << " k " << args.top_k << " p "
                                      << args.top_p << " min " << args.min_p);
      ExpectDrawn(logits, args, {}, rows.One(logits, args).token);
    }
  }
}

TEST_P(CpuSampleTest, FiltersKeepExactlyTheirTokens) {
  // Weights 8, 4, 2, 1, 1 of 16, with ties.
  std::vector<float> logits(100, -kInfinity);
  const std::vector<size_t> ids = {90, 3, 50, 7, 8};
  const float values[] = {std::log(8.0f), std::log(4.0f), std::log(2.0f), 0, 0};
  for (size_t i = 0; i < ids.size(); ++i) logits[ids[i]] = values[i];
  SampleRows rows(*GetParam(), 100, 1, 1);
  const auto kept = [&](SampleArgs args) {
    args.temperature = 1;
    std::vector<int32_t> tokens;
    for (args.position = 0; args.position < 400; ++args.position) tokens.push_back(rows.One(logits, args).token);
    std::sort(tokens.begin(), tokens.end());
    tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
    return tokens;
  };
  SampleArgs args;
  EXPECT_EQ(kept(args), (std::vector<int32_t>{3, 7, 8, 50, 90}));
  args.top_k = 4;
  EXPECT_EQ(kept(args), (std::vector<int32_t>{3, 7, 50, 90}));  // of equals the lower id
  args.top_k = 0;
  args.top_p = 0.74f;
  EXPECT_EQ(kept(args), (std::vector<int32_t>{3, 90}));
  args.top_p = 0.76f;
  EXPECT_EQ(kept(args), (std::vector<int32_t>{3, 50, 90}));
  args.top_p = 1;
  args.min_p = 0.2f;
  EXPECT_EQ(kept(args), (std::vector<int32_t>{3, 50, 90}));
  args.top_k = 3;
  args.top_p = 0.84f;  // of 14: 8 and 4 are enough
  EXPECT_EQ(kept(args), (std::vector<int32_t>{3, 90}));
}

TEST_P(CpuSampleTest, PenaltiesFollowPromptAndOutput) {
  constexpr int kVocab = 40;
  SampleRows rows(*GetParam(), kVocab, 2, 3);
  ref::SlotState expected;
  const std::vector<int32_t> prompt = {1, 2, 2, 3, 39}, output = {3, 4, 4};
  expected.Start({.track = true, .prompt = prompt, .output = output}, kVocab);
  const std::vector<int32_t> others = {5, 6, 7};
  rows.sampler().SetSlot(
      {.slot = 1, .track = true, .prompt = others, .output = others});  // used before by another sequence
  rows.sampler().SetSlot({.slot = 1, .track = true, .prompt = prompt, .output = output});
  rows.sampler().SetSlot({.slot = 2});
  for (int step = 0; step < 60; ++step) {
    const std::vector<float> logits = RandomLogits(kVocab, static_cast<uint32_t>(step), 0.5f);
    SampleArgs args;
    args.slot = 1;
    args.position = step;
    args.temperature = step % 3 == 0 ? 0.0f : 0.9f;
    args.repetition_penalty = 1.3f;
    args.presence_penalty = 0.4f;
    args.frequency_penalty = 0.2f;
    args.top_k = step % 2 == 0 ? 10 : 0;
    SampleArgs untracked = args;
    untracked.slot = 2;
    const std::vector<SampleResult> results = rows.Sample({logits, logits}, {args, untracked});
    ExpectDrawn(logits, args, expected, results[0].token);
    ExpectDrawn(logits, untracked, {}, results[1].token);
    EXPECT_EQ(rows.sampler().LastToken(1), results[0].token);
    EXPECT_EQ(rows.sampler().LastToken(2), results[1].token);
    ++expected.in_output[static_cast<size_t>(results[0].token)];
  }
  rows.sampler().SetSlot({.slot = 1});
  std::vector<float> logits(kVocab, 0.0f);
  SampleArgs args;
  args.slot = 1;
  args.presence_penalty = 5;
  EXPECT_EQ(rows.One(logits, args).token, 0);
}

TEST_P(CpuSampleTest, RowsOfOneTrackedSlotSeeEachOther) {
  SampleRows rows(*GetParam(), 8, 3, 1);
  rows.sampler().SetSlot({.slot = 0, .track = true});
  SampleArgs args;
  args.presence_penalty = 1;
  const std::vector<float> logits = {0.2f, 0.1f, 0, -1, -1, -1, -1, -1};
  const std::vector<SampleResult> results = rows.Sample({logits, logits, logits}, {args, args, args});
  EXPECT_EQ(results[0].token, 0);
  EXPECT_EQ(results[1].token, 1);
  EXPECT_EQ(results[2].token, 2);
}

TEST_P(CpuSampleTest, LogProbabilitiesAreOfTheRawLogits) {
  for (const int vocab : {1, 7, 64, 500, 3000}) {
    SampleRows rows(*GetParam(), vocab, 1, 1);
    std::vector<float> logits = RandomLogits(vocab, 3, 3);
    if (vocab > 100) {
      logits[40] = logits[20] = logits[90] = 12;  // equals
      logits[2] = kNan;
      logits[3] = -kInfinity;
    }
    const std::vector<TokenBias> bias = {{vocab - 1, 100}};
    for (const int wanted : {-1, 0, 1, 5, 20, 50}) {
      SampleArgs args;
      args.top_logprobs = wanted;
      args.bias = bias.data();
      args.bias_count = 1;
      const SampleResult result = rows.One(logits, args);
      EXPECT_EQ(result.token, vocab - 1);
      ExpectSameLogProbabilities(ref::SampleRow(logits, args, {}), result);
    }
  }
  SampleRows rows(*GetParam(), 5, 1, 1);
  SampleArgs args;
  args.top_logprobs = 3;
  const SampleResult result = rows.One(std::vector<float>(5, -kInfinity), args);
  EXPECT_EQ(result.top_count, 0);
  EXPECT_EQ(result.logprob, -kInfinity);
}

TEST_P(CpuSampleTest, ARowIsTheSameInAnyBatch) {
  constexpr int kVocab = 3000;
  std::vector<std::vector<float>> logits;
  std::vector<SampleArgs> args;
  for (int row = 0; row < 21; ++row) {
    logits.push_back(RandomLogits(kVocab, static_cast<uint32_t>(row), 1));
    SampleArgs a;
    a.seed = static_cast<uint64_t>(row);
    a.slot = row;
    a.temperature = 1;
    a.top_k = row % 3 == 0 ? 500 : 0;
    a.top_p = row % 2 == 0 ? 0.9f : 1.0f;
    args.push_back(a);
  }
  SampleRows together(*GetParam(), kVocab, 21, 21, 3), alone(*GetParam(), kVocab, 1, 21, 1);
  const std::vector<SampleResult> results = together.Sample(logits, args);
  for (size_t row = 0; row < logits.size(); ++row) {
    EXPECT_EQ(results[row].token, alone.One(logits[row], args[row]).token) << row;
  }
}

TEST_P(CpuSampleTest, LargeVocabulary) {
  constexpr int kVocab = 128256;
  SampleRows rows(*GetParam(), kVocab, 1, 1);
  const std::vector<float> logits = RandomLogits(kVocab, 1, 2);
  SampleArgs args;
  args.temperature = 1;
  for (const float top_p : {1.0f, 0.9f}) {
    for (const int top_k : {0, 40, 4000}) {
      args.top_p = top_p;
      args.top_k = top_k;
      ++args.position;
      ExpectDrawn(logits, args, {}, rows.One(logits, args).token);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, CpuSampleTest, testing::ValuesIn(RunnableKernels()), LevelName());

}  // namespace
}  // namespace spate::cpu
