// Sampling flags, and where their defaults come from: generation_config.json of the model, then this program. What the
// values mean and may be is the engine's (engine/sampling_options.h).
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/sampling_settings.h"

namespace spate {

class SamplingFlags {
 public:
  static constexpr const char* kGroup = "Sampling";  // of these flags in --help

  SamplingFlags();
  SamplingFlags(const SamplingFlags&) = delete;  // a CLI::App points into it
  SamplingFlags& operator=(const SamplingFlags&) = delete;

  void AddTo(CLI::App& command);
  // A flag wins over generation_config.json in `folder`, which wins over: temperature 0.8, everything else off.
  SamplingSettings Settings(const std::filesystem::path& folder) const;
  // Their parameters; what the file asks in vain is logged.
  SamplingParams Params(const std::filesystem::path& folder) const;

 private:
  // Of SamplingOptions(), by index; an option uses the one of its kind.
  std::vector<std::optional<float>> floats_;
  std::vector<std::optional<int>> ints_;
  std::optional<uint64_t> seed_;
  std::optional<int> max_tokens_, min_tokens_, logprobs_;
  std::optional<std::string> samplers_;
  bool ignore_eos_ = false;
  std::vector<std::string> stop_, bias_, breakers_, bad_words_;
  std::vector<int32_t> stop_ids_;
};

}  // namespace spate
