// SamplingSettings: sampling parameters put together from several places, with where each came from: defaults of the
// program, the model's generation_config.json, what the user says. A plain value, for one thread.
//
//   SamplingSettings settings;
//   settings.ReadGenerationConfig(folder);
//   settings.SetNumber(*FindSamplingOption("top_p"), 0.9, "--top-p");
//   settings.Finish();
//   engine.Submit({.prompt = ids, .params = settings.params()}, sink);
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/request.h"
#include "engine/sampling_options.h"

namespace spate {

enum class SettingSource : uint8_t { kDefault, kGenerationConfig, kFlag, kMirostat };
std::string_view Name(SettingSource source);  // "default", "generation_config.json", "flag", "off: mirostat"

struct Setting {
  std::string name;
  nlohmann::json value;
  std::string source;  // a name as above, with what turns the value off where something does
};

class SamplingSettings {
 public:
  SamplingSettings() = default;
  explicit SamplingSettings(SamplingParams defaults) : params_(std::move(defaults)) {}

  // What transformers' GenerationConfig calls temperature, top_k, top_p, min_p, typical_p, repetition_penalty and
  // bad_words_ids; do_sample = false stands for temperature 0. Fields that would change the output and that this
  // program does not know become warnings. No file, no change. eos_token_id is the tokenizer's.
  void ReadGenerationConfig(const std::filesystem::path& folder);
  void ReadGenerationConfig(const nlohmann::json& config, std::string_view what);

  // By the user; `label` names it in messages. Throws Error(kUsage) for a value out of range.
  void SetNumber(const SamplingOption& option, double value, std::string_view label);
  // The same for what is no number: the caller changes params() and says which.
  SamplingParams& Mutable(std::string_view name);

  // To be called at the end. Filters that the user did not name give way to mirostat; naming a value whose sampler is
  // not among `samplers` is an Error(kUsage).
  void Finish();

  const SamplingParams& params() const { return params_; }
  const std::vector<std::string>& warnings() const { return warnings_; }
  std::vector<Setting> List() const;  // every parameter

 private:
  SettingSource SourceOf(std::string_view name) const;
  bool IsOff(const SamplingOption& option) const;

  SamplingParams params_;
  std::map<std::string, SettingSource, std::less<>> sources_;  // by name; missing = default
  std::vector<std::string> warnings_;
};

}  // namespace spate
