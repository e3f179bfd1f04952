#include "engine/sampling_params.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include "base/error.h"

namespace spate {
namespace {

constexpr int kVocab = 100;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::string ErrorOf(const std::function<void()>& call, ErrorCode code) {
  try {
    call();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  return "";
}

TEST(SamplingParams, DefaultsAndEdgesAreValid) {
  EXPECT_NO_THROW(Validate({}, kVocab));
  EXPECT_NO_THROW(Validate({.max_tokens = 2147483647,
                            .min_tokens = 2147483647,
                            .temperature = 0,
                            .top_p = 1,
                            .min_p = 1,
                            .stop = {"x"},
                            .stop_ids = {0, 99},
                            .logit_bias = {{99, -kInfinity}},
                            .top_logprobs = 20},
                           kVocab));
}

TEST(SamplingParams, TheFirstThatIsOutOfRangeIsNamedWithItsValue) {
  const std::pair<const char*, std::function<void(SamplingParams&)>> cases[] = {
      {"max_tokens", [](SamplingParams& p) { p.max_tokens = -1; }},
      {"min_tokens", [](SamplingParams& p) { p.max_tokens = 3, p.min_tokens = 4; }},
      {"min_tokens", [](SamplingParams& p) { p.min_tokens = -4; }},
      {"temperature", [](SamplingParams& p) { p.temperature = -0.1f; }},
      {"temperature", [](SamplingParams& p) { p.temperature = std::nanf(""); }},
      {"temperature", [](SamplingParams& p) { p.temperature = kInfinity; }},
      {"top_k", [](SamplingParams& p) { p.top_k = -1; }},
      {"top_p", [](SamplingParams& p) { p.top_p = 0; }},
      {"top_p", [](SamplingParams& p) { p.top_p = 1.01f; }},
      {"top_p", [](SamplingParams& p) { p.top_p = std::nanf(""); }},
      {"min_p", [](SamplingParams& p) { p.min_p = -0.5f; }},
      {"repetition_penalty", [](SamplingParams& p) { p.repetition_penalty = 0; }},
      {"presence_penalty", [](SamplingParams& p) { p.presence_penalty = 2.5f; }},
      {"frequency_penalty", [](SamplingParams& p) { p.frequency_penalty = -kInfinity; }},
      {"top_logprobs", [](SamplingParams& p) { p.top_logprobs = 21; }},
      {"top_logprobs", [](SamplingParams& p) { p.top_logprobs = -2; }},
      {"stop", [](SamplingParams& p) { p.stop = {""}; }},
      {"stop", [](SamplingParams& p) { p.stop = {std::string(1025, 'x')}; }},
      {"stop", [](SamplingParams& p) { p.stop = {"\xc3"}; }},
      {"stop", [](SamplingParams& p) { p.stop.assign(65, "x"); }},
      {"stop_ids", [](SamplingParams& p) { p.stop_ids = {100}; }},
      {"stop_ids", [](SamplingParams& p) { p.stop_ids = {-1}; }},
      {"logit_bias",
       [](SamplingParams& p) {
         p.logit_bias = {{100, 1.f}};
       }},
      {"logit_bias",
       [](SamplingParams& p) {
         p.logit_bias = {{1, kInfinity}};
       }},
      {"logit_bias",
       [](SamplingParams& p) {
         p.logit_bias = {{1, std::nanf("")}};
       }},
  };
  for (const auto& [name, spoil] : cases) {
    SamplingParams params;
    spoil(params);
    const std::string message = ErrorOf([&] { Validate(params, kVocab); }, ErrorCode::kUsage);
    EXPECT_EQ(message.rfind(name, 0), 0u) << name << ": \"" << message << '"';
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

TEST(SamplingParams, PromptsAreChecked) {
  Request request;
  EXPECT_NE(ErrorOf([&] { CheckRequest(request, kVocab, 10); }, ErrorCode::kBadInput), "");
  request.prompt = {1, 2, -3};
  EXPECT_NE(ErrorOf([&] { CheckRequest(request, kVocab, 10); }, ErrorCode::kBadInput).find("-3"), std::string::npos);
  request.prompt = {1, 100};
  EXPECT_NE(ErrorOf([&] { CheckRequest(request, kVocab, 10); }, ErrorCode::kBadInput).find("99"), std::string::npos);
  request.prompt.assign(9, 1);
  EXPECT_NO_THROW(CheckRequest(request, kVocab, 10));
  request.prompt.assign(10, 1);
  const std::string message = ErrorOf([&] { CheckRequest(request, kVocab, 10); }, ErrorCode::kDoesNotFit);
  EXPECT_NE(message.find("10 tokens"), std::string::npos) << message;
  EXPECT_NE(message.find("context of 10"), std::string::npos) << message;
}

TEST(SamplingParams, RandomSeedsDiffer) {
  std::set<uint64_t> seeds;
  for (int i = 0; i < 100; ++i) seeds.insert(RandomSeed());
  EXPECT_EQ(seeds.size(), 100u);
}

TEST(FinishReason, HasNames) {
  EXPECT_EQ(Name(FinishReason::kStop), "stop");
  EXPECT_EQ(Name(FinishReason::kError), "error");
}

}  // namespace
}  // namespace spate
