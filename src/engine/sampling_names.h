// Sampling parameters by name, for those who change them while the program runs: what SamplingOptions() holds, and what
// is no number. Pure functions.
//
//   SamplingParams params;
//   SetSampling(params, "temperature", "0.7", vocab);
//   for (const SamplingName& s : SamplingNames()) fmt::print("{} = {}\n", s.name, s.get(params).dump());
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "engine/request.h"

namespace spate {

struct SamplingName {
  std::string_view name;
  std::string_view help;
  std::function<nlohmann::json(const SamplingParams&)> get;  // null = from the system, or none
  // Throws Error(kUsage) unless `text` reads as a value of this parameter.
  std::function<void(SamplingParams&, std::string_view text)> set;
};

std::vector<SamplingName> SamplingNames();  // in the order in which a person wants to read them

// Sets one parameter; `-` in a name stands for `_`. Throws Error(kUsage) for an unknown name (with the nearest one),
// for a value that does not read and for one out of range; `params` is then as it was.
void SetSampling(SamplingParams& params, std::string_view name, std::string_view text, int vocab);

}  // namespace spate
