#include "engine/sampling_options.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include "base/error.h"
#include "engine/sampling_params.h"

namespace spate {
namespace {

std::string ErrorOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUsage);
    return e.what();
  }
  return "";
}

TEST(SamplingOptions, TheirEdgesAreTakenAndWhatIsBeyondIsNot) {
  std::set<std::string_view> names;
  for (const SamplingOption& option : SamplingOptions()) {
    EXPECT_TRUE(names.insert(option.name).second) << option.name;
    EXPECT_EQ(FindSamplingOption(option.name), &option);
    SamplingParams p;
    EXPECT_EQ(ErrorOf([&] { option.Set(p, option.high, "x"); }), "") << option.name;
    EXPECT_EQ(option.Get(p), option.high) << option.name;
    EXPECT_EQ(ErrorOf([&] { option.Set(p, option.off, "x"); }), "") << option.name;
    EXPECT_EQ(ErrorOf([&] { option.Set(p, option.low, "x"); }).empty(), !option.above_low) << option.name;
    for (const double bad : {option.low - 1, option.high * 1.5 + 1, std::nan(""), HUGE_VAL}) {
      const std::string message = ErrorOf([&] { option.Set(p, bad, "--some-flag"); });
      EXPECT_EQ(message.rfind("--some-flag: expected ", 0), 0u) << option.name << ": " << message;
    }
    if (option.is_int()) {
      EXPECT_NE(ErrorOf([&] { option.Set(p, option.low + 0.5, "x"); }), "") << option.name;
    }
    // An open end does not close by rounding to f32.
    if (option.above_low && option.low == 0) {
      EXPECT_NE(ErrorOf([&] { option.Set(p, 1e-60, "x"); }), "") << option.name;
    }
  }
  EXPECT_EQ(FindSamplingOption("top_x"), nullptr);
  EXPECT_EQ(FlagName("dry_last_n"), "--dry-last-n");
}

TEST(SamplingOptions, DefaultsAreOffOrInRange) {
  for (const SamplingOption& option : SamplingOptions()) {
    const SamplingParams p;
    EXPECT_EQ(ErrorOf([&] { option.Check(p); }), "");
    if (option.is_filter) {
      EXPECT_EQ(option.Get(p), option.off) << option.name;
    }
  }
}

TEST(Samplers, ParseAndFormat) {
  using Step = SamplerStep;
  EXPECT_EQ(ParseSamplers("top_k;top_p;temperature", "x"),
            (std::vector<Step>{Step::kTopK, Step::kTopP, Step::kTemperature}));
  EXPECT_EQ(ParseSamplers("xtc,min_p", "x"), (std::vector<Step>{Step::kXtc, Step::kMinP}));
  const std::string all = FormatSamplers(DefaultSamplers());
  EXPECT_EQ(all, "penalties;dry;top_n_sigma;temperature;top_k;typical_p;top_p;min_p;xtc");
  EXPECT_EQ(ParseSamplers(all, "x"), DefaultSamplers());
  for (const char* bad : {"", ";", "top_k;", "topk", "top_k;;top_p", "top_k; top_p", "top_k;top_p;top_k"}) {
    const std::string message = ErrorOf([&] { (void)ParseSamplers(bad, "--samplers"); });
    EXPECT_EQ(message.rfind("--samplers: ", 0), 0u) << '"' << bad << "\": " << message;
    EXPECT_NE(message.find(all), std::string::npos) << "the list of all: " << message;
  }
  EXPECT_LT(ErrorOf([] { (void)ParseSamplers(std::string(100000, 'x'), "--samplers"); }).size(), 300u);
}

TEST(Mirostat, RefusesFiltersAndGreedy) {
  SamplingParams p;
  p.mirostat = 2;
  EXPECT_EQ(ErrorOf([&] { Validate(p, 10); }), "");
  for (const SamplingOption& option : SamplingOptions()) {
    if (!option.is_filter) continue;
    SamplingParams both = p;
    option.Set(both, option.is_int() ? 3 : 0.5, "x");
    EXPECT_NE(ErrorOf([&] { Validate(both, 10); }).find(option.name), std::string::npos) << option.name;
  }
  p.temperature = 0;
  EXPECT_NE(ErrorOf([&] { Validate(p, 10); }), "");
  p.temperature = 1;
  p.mirostat = 1;
  EXPECT_NE(ErrorOf([&] { Validate(p, 10); }), "");
}

TEST(SamplingParams, WordsAreChecked) {
  const auto fails = [](const std::function<void(SamplingParams&)>& spoil) {
    SamplingParams p;
    spoil(p);
    return !ErrorOf([&] { Validate(p, 10); }).empty();
  };
  EXPECT_FALSE(fails([](SamplingParams& p) { p.bad_words_ids = {{0, 9}, {3}}; }));
  EXPECT_TRUE(fails([](SamplingParams& p) { p.bad_words_ids = {{0, 10}}; }));
  EXPECT_TRUE(fails([](SamplingParams& p) { p.bad_words_ids = {{-1}}; }));
  EXPECT_TRUE(fails([](SamplingParams& p) { p.bad_words_ids = {{}}; }));
  EXPECT_TRUE(fails([](SamplingParams& p) { p.bad_words_ids.assign(kMaxBadWords + 1, {1}); }));
  EXPECT_TRUE(fails([](SamplingParams& p) { p.bad_words_ids = {std::vector<int32_t>(kMaxBadWordIds + 1, 1)}; }));
  EXPECT_TRUE(fails([](SamplingParams& p) { p.bad_words = {""}; }));
  EXPECT_TRUE(fails([](SamplingParams& p) { p.bad_words = {"\xff"}; }));
  EXPECT_TRUE(fails([](SamplingParams& p) { p.dry_breakers = {std::string(kMaxBreakerBytes + 1, 'x')}; }));
  EXPECT_TRUE(fails([](SamplingParams& p) { p.dry_breakers.assign(kMaxBreakers + 1, "x"); }));
  EXPECT_TRUE(fails([](SamplingParams& p) { p.dry_breaker_ids = {10}; }));
}

}  // namespace
}  // namespace spate
