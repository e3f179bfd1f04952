// The definition against other implementations: tests/golden/sampling.json, by tools/make_sampling_goldens.py.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "backend/ref/sample.h"
#include "base/json.h"

namespace spate::ref {
namespace {

using nlohmann::json;

// One case's settings and what they point to.
struct Settings {
  SampleArgs args;
  SamplerExtras extras;
  std::vector<int32_t> breakers, bad_words, bad_word_ends;

  void Add(const std::string& name, const json& value, SlotState& slot) {
    const auto step = [&](SamplerStep s) { extras.steps[extras.step_count++] = s; };
    if (name == "temperature") {
      args.temperature = value.get<float>();
      step(SamplerStep::kTemperature);
    } else if (name == "dynatemp") {
      args.temperature = value["temperature"].get<float>();
      extras.dynatemp_range = value["spread"].get<float>();
      extras.dynatemp_exponent = value["exponent"].get<float>();
      step(SamplerStep::kTemperature);
    } else if (name == "top_k") {
      args.top_k = value.get<int32_t>();
      step(SamplerStep::kTopK);
    } else if (name == "top_p") {
      args.top_p = value.get<float>();
      step(SamplerStep::kTopP);
    } else if (name == "min_p") {
      args.min_p = value.get<float>();
      step(SamplerStep::kMinP);
    } else if (name == "typical_p") {
      extras.typical_p = value.get<float>();
      step(SamplerStep::kTypicalP);
    } else if (name == "top_n_sigma") {
      extras.top_n_sigma = value.get<float>();
      step(SamplerStep::kTopNSigma);
    } else if (name == "xtc_threshold") {
      extras.xtc_threshold = value.get<float>();
      extras.xtc_probability = 1;
      step(SamplerStep::kXtc);
    } else if (name == "repetition_penalty") {
      args.repetition_penalty = value.get<float>();
      step(SamplerStep::kPenalties);
    } else if (name == "dry") {
      extras.dry_multiplier = value["multiplier"].get<float>();
      extras.dry_base = value["base"].get<float>();
      extras.dry_allowed_length = value["allowed"].get<int32_t>();
      breakers = value["breakers"].get<std::vector<int32_t>>();
      step(SamplerStep::kDry);
    } else if (name == "bad_words") {
      for (const json& word : value) {
        for (const json& id : word) bad_words.push_back(id.get<int32_t>());
        bad_word_ends.push_back(static_cast<int32_t>(bad_words.size()));
      }
    } else if (name == "mirostat_mu") {
      extras.mirostat = true;
      slot.mirostat_mu = value.get<float>();
    } else {
      FAIL() << name;
    }
  }

  void Point() {
    extras.dry_breakers = breakers.data();
    extras.dry_breaker_count = static_cast<int32_t>(breakers.size());
    extras.bad_words = bad_words.data();
    extras.bad_word_ends = bad_word_ends.data();
    extras.bad_word_count = static_cast<int32_t>(bad_word_ends.size());
    args.extras = &extras;
  }
};

TEST(SamplersGolden, AgreesWithOtherImplementations) {
  const json cases = ReadJsonFile(SPATE_SOURCE_DIR "/tests/golden/sampling.json", {});
  std::set<std::string> seen;
  for (const json& row : cases) {
    const auto logits = row["logits"].get<std::vector<float>>();
    const auto tokens = row["tokens"].get<std::vector<int32_t>>();
    SlotState slot;
    slot.Start({.track = true, .remember = true, .prompt = tokens}, static_cast<int>(logits.size()));
    Settings settings;
    settings.args.temperature = 1;
    for (const json& step : row["steps"]) {
      seen.insert(step[0].get<std::string>());
      settings.Add(step[0].get<std::string>(), step[1], slot);
    }
    settings.Point();
    const std::vector<double> p = Probabilities(logits, settings.args, slot);
    const auto expected = row["probabilities"].get<std::vector<double>>();
    ASSERT_EQ(p.size(), expected.size());
    for (size_t i = 0; i < p.size(); ++i) {
      EXPECT_EQ(p[i] > 0, expected[i] > 0) << row["steps"] << " token " << i;
      EXPECT_NEAR(p[i], expected[i], 1e-8) << row["steps"] << " token " << i;
    }
  }
  EXPECT_EQ(seen.size(), 12u);
}

}  // namespace
}  // namespace spate::ref
