// Sampling parameters by name, for those who change them while the program runs: one table of name, meaning, value and
// parser. Pure functions. A new parameter is a line in the table of sampling_settings.cc.
//
//   SamplingParams params;
//   SetSampling(params, "temperature", "0.7", vocab);
//   for (const SamplingSetting& s : SamplingSettings()) fmt::print("{} = {}\n", s.name, s.get(params).dump());
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

#include "engine/request.h"

namespace spate {

struct SamplingSetting {
  std::string_view name;
  std::string_view help;
  nlohmann::json (*get)(const SamplingParams& params);  // null = from the system, or none
  // Throws Error(kUsage) unless `text` reads as a value of this parameter; its range is Validate's business.
  void (*set)(SamplingParams& params, std::string_view name, std::string_view text);
};

std::span<const SamplingSetting> SamplingSettings();  // in the order in which a person wants to read them

// Sets one parameter; `-` in a name stands for `_`. Throws Error(kUsage) for an unknown name (with the nearest one),
// for a value that does not read and for one out of range; `params` is then as it was.
void SetSampling(SamplingParams& params, std::string_view name, std::string_view text, int vocab);

}  // namespace spate
