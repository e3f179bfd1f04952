#include "engine/sampling_options.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace spate {
namespace {

using P = SamplingParams;
constexpr double kMaxInt = std::numeric_limits<int>::max();

constexpr SamplingOption kOptions[] = {
    {.name = "temperature",
     .help = "divides the logits; 0 = greedy",
     .field = &P::temperature,
     .high = 100,
     .sampler = "temperature",
     .off = 1,
     .in_generation_config = true},
    {.name = "dynatemp_range",
     .help = "temperature within this of the given one, by entropy; 0 = fixed",
     .field = &P::dynatemp_range,
     .high = 100,
     .sampler = "temperature"},
    {.name = "dynatemp_exponent",
     .help = "how the temperature follows the entropy",
     .field = &P::dynatemp_exponent,
     .high = 100,
     .above_low = true,
     .sampler = "temperature",
     .off = 1},
    {.name = "top_k",
     .help = "sample from the K most likely tokens; 0 = off",
     .field = &P::top_k,
     .high = kMaxInt,
     .sampler = "top_k",
     .is_filter = true,
     .in_generation_config = true},
    {.name = "top_p",
     .help = "sample from the smallest set of this probability; 1 = off",
     .field = &P::top_p,
     .high = 1,
     .above_low = true,
     .sampler = "top_p",
     .off = 1,
     .is_filter = true,
     .in_generation_config = true},
    {.name = "min_p",
     .help = "drop tokens below this share of the most likely one's probability",
     .field = &P::min_p,
     .high = 1,
     .sampler = "min_p",
     .is_filter = true,
     .in_generation_config = true},
    {.name = "typical_p",
     .help = "keep the tokens of most typical surprise, of this probability; 1 = off",
     .field = &P::typical_p,
     .high = 1,
     .above_low = true,
     .sampler = "typical_p",
     .off = 1,
     .is_filter = true,
     .in_generation_config = true},
    {.name = "top_n_sigma",
     .help = "drop logits this many standard deviations below the largest; 0 = off",
     .field = &P::top_n_sigma,
     .high = 1000,
     .sampler = "top_n_sigma",
     .is_filter = true},
    {.name = "xtc_probability",
     .help = "chance, for each token, of excluding top choices; 0 = off",
     .field = &P::xtc_probability,
     .high = 1,
     .sampler = "xtc",
     .is_filter = true},
    {.name = "xtc_threshold",
     .help = "probability from which on a token is a top choice",
     .field = &P::xtc_threshold,
     .high = 1,
     .above_low = true,
     .sampler = "xtc",
     .off = 0.1f},
    {.name = "repetition_penalty",
     .help = "above 1 makes tokens of prompt and output less likely",
     .field = &P::repetition_penalty,
     .high = 100,
     .above_low = true,
     .sampler = "penalties",
     .off = 1,
     .in_generation_config = true},
    {.name = "presence_penalty",
     .help = "subtracted from the logits of tokens in the output",
     .field = &P::presence_penalty,
     .low = -2,
     .high = 2,
     .sampler = "penalties"},
    {.name = "frequency_penalty",
     .help = "subtracted per occurrence in the output",
     .field = &P::frequency_penalty,
     .low = -2,
     .high = 2,
     .sampler = "penalties"},
    {.name = "dry_multiplier",
     .help = "DRY: penalty of a token that continues a repetition; 0 = off",
     .field = &P::dry_multiplier,
     .high = 100,
     .sampler = "dry"},
    {.name = "dry_base",
     .help = "DRY: growth of the penalty with each repeated token",
     .field = &P::dry_base,
     .low = 1,
     .high = 100,
     .sampler = "dry",
     .off = 1.75},
    {.name = "dry_allowed_length",
     .help = "DRY: tokens of the shortest repetition that is penalised",
     .field = &P::dry_allowed_length,
     .low = 1,
     .high = kDryLongestMatch,
     .sampler = "dry",
     .off = 2},
    {.name = "dry_last_n",
     .help = "DRY: how many tokens it looks back; -1 = all",
     .field = &P::dry_last_n,
     .low = -1,
     .high = kMaxInt,
     .sampler = "dry",
     .off = -1},
    {.name = "mirostat",
     .help = "2 = mirostat version 2, instead of the filters; 0 = off",
     .field = &P::mirostat,
     .high = 2},
    {.name = "mirostat_tau",
     .help = "mirostat: surprise aimed at, in bits",
     .field = &P::mirostat_tau,
     .high = 100,
     .above_low = true,
     .off = 5},
    {.name = "mirostat_eta",
     .help = "mirostat: learning rate",
     .field = &P::mirostat_eta,
     .high = 1,
     .above_low = true,
     .off = 0.1f},
};

constexpr std::string_view kSamplerNames[kSamplerSteps] = {"penalties", "dry",   "top_n_sigma", "temperature", "top_k",
                                                           "typical_p", "top_p", "min_p",       "xtc"};

}  // namespace

double SamplingOption::Get(const SamplingParams& params) const {
  return std::visit([&](auto member) { return static_cast<double>(params.*member); }, field);
}

nlohmann::json SamplingOption::Json(const SamplingParams& params) const {
  if (is_int()) return static_cast<int64_t>(Get(params));
  return std::stod(fmt::format("{}", static_cast<float>(Get(params))));
}

// NaN is in no range.
void SamplingOption::CheckValue(double value, std::string_view label) const {
  const bool in_range = (above_low ? value > low : value >= low) && value <= high;
  if (in_range && (!is_int() || value == std::floor(value))) return;
  throw Error(ErrorCode::kUsage, "{}: expected {} in {}{}, {}], got {}", label, is_int() ? "an integer" : "a number",
              above_low ? '(' : '[', low, high, value);
}

void SamplingOption::Set(SamplingParams& params, double value, std::string_view label) const {
  CheckValue(value, label);
  std::visit([&](auto member) { params.*member = static_cast<std::decay_t<decltype(params.*member)>>(value); }, field);
  CheckValue(Get(params), label);  // rounding to f32 may reach an open end
}

std::span<const SamplingOption> SamplingOptions() { return kOptions; }

const SamplingOption* FindSamplingOption(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kOptions), std::end(kOptions), [&](const SamplingOption& o) { return o.name == name; });
  return found == std::end(kOptions) ? nullptr : found;
}

std::string FlagName(std::string_view option) {
  std::string flag = "--" + std::string(option);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::vector<SamplerStep> DefaultSamplers() {
  std::vector<SamplerStep> steps;
  for (int i = 0; i < kSamplerSteps; ++i) steps.push_back(static_cast<SamplerStep>(i));
  return steps;
}

std::string_view Name(SamplerStep step) { return kSamplerNames[static_cast<size_t>(step)]; }

std::vector<SamplerStep> ParseSamplers(std::string_view text, std::string_view label) {
  std::vector<SamplerStep> steps;
  const auto refuse = [&](std::string_view name, std::string_view what) {
    throw Error(ErrorCode::kUsage, "{}: \"{}\" {}; expected some of {} in the order in which they are to run", label,
                name.substr(0, 40), what, fmt::join(kSamplerNames, ";"));
  };
  while (true) {
    const size_t end = text.find_first_of(";,");
    const std::string_view name = text.substr(0, end);
    const auto* found = std::find(std::begin(kSamplerNames), std::end(kSamplerNames), name);
    if (found == std::end(kSamplerNames)) refuse(name, "is no sampler");
    const auto step = static_cast<SamplerStep>(found - kSamplerNames);
    if (std::find(steps.begin(), steps.end(), step) != steps.end()) refuse(name, "is there twice");
    steps.push_back(step);
    if (end == std::string_view::npos) return steps;
    text.remove_prefix(end + 1);
  }
}

std::string FormatSamplers(std::span<const SamplerStep> samplers) {
  std::string text;
  for (const SamplerStep step : samplers) text += (text.empty() ? "" : ";") + std::string(Name(step));
  return text;
}

}  // namespace spate
