// Sampling flags, and where their defaults come from: generation_config.json of the model, then this program.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/request.h"

namespace spate {

class SamplingFlags {
 public:
  void AddTo(CLI::App& command);
  // A flag wins over generation_config.json in `folder` (temperature, top_k, top_p, min_p, repetition_penalty, where
  // do_sample is not false), which wins over: temperature 0.8, everything else off.
  SamplingParams Params(const std::filesystem::path& folder) const;

 private:
  std::optional<float> temperature_, top_p_, min_p_, repetition_, presence_, frequency_;
  std::optional<int> top_k_;
  std::optional<uint64_t> seed_;
  int max_tokens_ = 256;
  int min_tokens_ = 0;
  bool ignore_eos_ = false;
  std::vector<std::string> stop_;
  std::vector<int32_t> stop_ids_;
  std::vector<std::string> bias_;
  int logprobs_ = -1;
};

}  // namespace spate
