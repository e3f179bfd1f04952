// The numeric sampling options as one table: what each is called, means, may be, and which sampler it belongs to.
// Flags, generation_config.json, checks, and whatever reads or prints parameters go through it. And the samplers'
// names. Immutable, thread-safe.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/request.h"

namespace spate {

struct SamplingOption {
  std::string_view name;  // "top_p": in JSON and in messages; a flag is spelt --top-p
  std::string_view help;  // of a command line
  std::variant<float SamplingParams::*, int SamplingParams::*> field;
  double low = 0;
  double high = 0;
  bool above_low = false;      // low itself is out of range
  std::string_view sampler{};  // by name; "" = of none, so that no order turns it off
  double off = 0;              // with this value it does nothing, or what it does by default
  bool is_filter = false;      // removes tokens: mirostat takes its place
  bool in_generation_config = false;

  bool is_int() const { return std::holds_alternative<int SamplingParams::*>(field); }
  double Get(const SamplingParams& params) const;
  // 0.8 and not 0.800000011920929: the shortest text that is the same float.
  nlohmann::json Json(const SamplingParams& params) const;
  // Throws Error(kUsage) out of range; `label` is what the message calls it: "top_p", "--top-p".
  void Set(SamplingParams& params, double value, std::string_view label) const;
  void Check(const SamplingParams& params) const { CheckValue(Get(params), name); }

 private:
  void CheckValue(double value, std::string_view label) const;
};

std::span<const SamplingOption> SamplingOptions();
const SamplingOption* FindSamplingOption(std::string_view name);  // null = none of that name
std::string FlagName(std::string_view option);                    // "top_p" -> "--top-p"

std::string_view Name(SamplerStep step);
// "top_k;top_p;temperature", also with commas. Throws Error(kUsage) for unknown, repeated or missing names, with the
// list of all; `label` as in Set.
std::vector<SamplerStep> ParseSamplers(std::string_view text, std::string_view label);
std::string FormatSamplers(std::span<const SamplerStep> samplers);

}  // namespace spate
