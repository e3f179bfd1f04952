#include "engine/sampling_settings.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"

namespace spate {
namespace {

using nlohmann::json;

SamplingSettings Read(const char* text) {
  SamplingSettings settings;
  settings.ReadGenerationConfig(json::parse(text), "generation_config.json");
  return settings;
}

Setting Of(const SamplingSettings& settings, std::string_view name) {
  for (const Setting& setting : settings.List()) {
    if (setting.name == name) return setting;
  }
  ADD_FAILURE() << name;
  return {};
}

const SamplingOption& Option(std::string_view name) { return *FindSamplingOption(name); }

TEST(SamplingSettings, TheFileWinsOverDefaultsAndTheUserOverTheFile) {
  SamplingSettings settings = Read(R"({"temperature": 0.7, "top_k": 20, "top_p": 0.9, "typical_p": 0.95, "min_p": null,
      "repetition_penalty": 1.05, "bad_words_ids": [[5, 6], [7]], "eos_token_id": 3, "max_length": 20})");
  settings.SetNumber(Option("top_p"), 0.5, "--top-p");
  settings.Mutable("seed").seed = 7;
  settings.Finish();
  EXPECT_EQ(settings.params().temperature, 0.7f);
  EXPECT_EQ(settings.params().top_k, 20);
  EXPECT_EQ(settings.params().top_p, 0.5f);
  EXPECT_EQ(settings.params().typical_p, 0.95f);
  EXPECT_EQ(settings.params().repetition_penalty, 1.05f);
  EXPECT_EQ(settings.params().bad_words_ids, (std::vector<std::vector<int32_t>>{{5, 6}, {7}}));
  EXPECT_EQ(Of(settings, "top_k").source, "generation_config.json");
  EXPECT_EQ(Of(settings, "top_p").source, "flag");
  EXPECT_EQ(Of(settings, "seed").source, "flag");
  EXPECT_EQ(Of(settings, "min_p").source, "default");
  EXPECT_EQ(Of(settings, "repetition_penalty").value.dump(), "1.05");
  EXPECT_EQ(Of(settings, "top_k").value.dump(), "20");
  EXPECT_TRUE(settings.warnings().empty());
}

TEST(SamplingSettings, NoSamplingMeansGreedy) {
  EXPECT_EQ(Read(R"({"do_sample": false, "temperature": 0.7})").params().temperature, 0);
  EXPECT_EQ(Read(R"({"do_sample": true, "temperature": 0.7})").params().temperature, 0.7f);
}

TEST(SamplingSettings, WhatIsNotSupportedIsNamed) {
  const SamplingSettings settings = Read(R"({"epsilon_cutoff": 0.0003, "eta_cutoff": 0.0, "num_beams": 4,
      "suppress_tokens": [], "sequence_bias": {}, "begin_suppress_tokens": [1], "guidance_scale": null})");
  ASSERT_EQ(settings.warnings().size(), 3u);
  EXPECT_NE(settings.warnings()[0].find("epsilon_cutoff 0.0003"), std::string::npos) << settings.warnings()[0];
  EXPECT_NE(settings.warnings()[1].find("num_beams 4"), std::string::npos);
  EXPECT_NE(settings.warnings()[2].find("begin_suppress_tokens"), std::string::npos);
}

TEST(SamplingSettings, BadFilesAreRefusedWithTheField) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"top_p": 1.5})", "top_p"},
      {R"({"top_p": "x"})", "top_p"},
      {R"({"top_k": -1})", "top_k"},
      {R"({"top_k": 2.5})", "top_k"},
      {R"({"temperature": 1e300})", "temperature"},
      {R"({"do_sample": 1})", "do_sample"},
      {R"({"bad_words_ids": 5})", "bad_words_ids"},
      {R"({"bad_words_ids": [5]})", "bad_words_ids"},
      {R"({"bad_words_ids": [[]]})", "bad_words_ids"},
      {R"({"bad_words_ids": [[-1]]})", "bad_words_ids"},
      {R"({"bad_words_ids": [[4294967296]]})", "bad_words_ids"},
      {R"([1])", "generation_config.json"},
  };
  for (const auto& [text, field] : cases) {
    try {
      Read(text);
      ADD_FAILURE() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kBadInput) << text;
      EXPECT_NE(std::string(e.what()).find(field), std::string::npos) << e.what();
    }
  }
}

TEST(SamplingSettings, FiltersOfTheFileGiveWayToMirostat) {
  SamplingSettings settings = Read(R"({"top_p": 0.9, "top_k": 20})");
  settings.SetNumber(Option("mirostat"), 2, "--mirostat");
  settings.Finish();
  EXPECT_EQ(settings.params().top_p, 1);
  EXPECT_EQ(settings.params().top_k, 0);
  EXPECT_EQ(Of(settings, "top_p").source, "off: mirostat");
  settings.SetNumber(Option("top_p"), 0.9, "--top-p");
  EXPECT_THROW(settings.Finish(), Error) << "but not those that the user names";
}

TEST(SamplingSettings, AValueWhoseSamplerIsLeftOutIsRefusedOrSaidToBeOff) {
  SamplingSettings settings = Read(R"({"top_p": 0.9})");
  settings.Mutable("samplers").samplers = ParseSamplers("top_k;temperature", "x");
  settings.Finish();
  EXPECT_EQ(Of(settings, "top_p").source, "generation_config.json, off: not in samplers");
  EXPECT_EQ(Of(settings, "min_p").source, "default");
  settings.SetNumber(Option("presence_penalty"), 1, "x");
  EXPECT_THROW(settings.Finish(), Error);
}

}  // namespace
}  // namespace spate
