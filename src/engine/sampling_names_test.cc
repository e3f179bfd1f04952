#include "engine/sampling_names.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace spate {
namespace {

constexpr int kVocab = 100;

std::string Refusal(std::string_view name, std::string_view text) {
  SamplingParams params;
  params.temperature = 0.25f;
  try {
    SetSampling(params, name, text, kVocab);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), name == "stop" ? error.code() : ErrorCode::kUsage);
    EXPECT_EQ(params.temperature, 0.25f) << "changed although refused";
    return error.what();
  }
  return "";
}

TEST(SamplingNames, SetsByName) {
  SamplingParams params;
  SetSampling(params, "temperature", "0.7", kVocab);
  SetSampling(params, "top-k", "40", kVocab);
  SetSampling(params, "seed", "18446744073709551615", kVocab);
  SetSampling(params, "stop", "\\n", kVocab);
  SetSampling(params, "ignore_eos", "on", kVocab);
  EXPECT_EQ(params.temperature, 0.7f);
  EXPECT_EQ(params.top_k, 40);
  EXPECT_EQ(params.seed, 18446744073709551615u);
  EXPECT_EQ(params.stop, std::vector<std::string>{"\\n"});
  EXPECT_TRUE(params.ignore_eos);
  SetSampling(params, "stop", R"(["a\n", "b"])", kVocab);
  EXPECT_EQ(params.stop, (std::vector<std::string>{"a\n", "b"}));
  SetSampling(params, "seed", "none", kVocab);
  EXPECT_FALSE(params.seed.has_value());
}

TEST(SamplingNames, EveryValueReadsBackAsItIsShown) {
  SamplingParams params;
  params.temperature = 0.8f;
  params.min_p = 0.05f;
  params.seed = 7;
  params.max_tokens = 12;
  params.stop = {"\n\"", "x"};
  params.ignore_eos = true;
  SamplingParams copy;
  for (const SamplingName& s : SamplingNames()) {
    const nlohmann::json value = s.get(params);
    SetSampling(copy, s.name, value.is_string() ? value.get<std::string>() : value.dump(), kVocab);
  }
  for (const SamplingName& s : SamplingNames()) EXPECT_EQ(s.get(copy), s.get(params)) << s.name;
  EXPECT_EQ(copy.temperature, params.temperature);
  EXPECT_EQ(copy.stop, params.stop);
}

TEST(SamplingNames, ShowsFloatsAsTheyWereTyped) {
  SamplingParams params;
  params.temperature = 0.8f;
  EXPECT_EQ(SamplingNames()[0].get(params).dump(), "0.8");
}

TEST(SamplingNames, RefusesInOneLineAndChangesNothing) {
  EXPECT_EQ(Refusal("temprature", "1"), "unknown setting \"temprature\", did you mean temperature?");
  EXPECT_EQ(Refusal("temperature", "hot"), "temperature: expected a number, got \"hot\"");
  EXPECT_EQ(Refusal("temperature", ""), "temperature: expected a number, got \"\"");
  EXPECT_EQ(Refusal("top_k", "1.5"), "top_k: expected a whole number, got \"1.5\"");
  EXPECT_NE(Refusal("temperature", "-1"), "");
  EXPECT_NE(Refusal("temperature", "nan"), "");
  EXPECT_NE(Refusal("top_p", "0"), "");
  EXPECT_NE(Refusal("seed", "-1"), "");
  EXPECT_NE(Refusal("stop", "[1]"), "");
  EXPECT_NE(Refusal("ignore_eos", "maybe"), "");
}

}  // namespace
}  // namespace spate
