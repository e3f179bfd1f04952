#include "engine/sampling_settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/utf8.h"

namespace spate {
namespace {

constexpr size_t kShownValue = 40;

[[noreturn]] void Refuse(std::string_view name, std::string_view expected, std::string_view text) {
  throw Error(ErrorCode::kUsage, "{}: expected {}, got \"{}\"", name, expected, OneLine(text, kShownValue));
}

template <typename T>
T ParseNumber(std::string_view name, std::string_view text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || text.empty()) {
    Refuse(name, std::is_floating_point_v<T> ? "a number" : "a whole number", text);
  }
  return value;
}

template <auto kField>
nlohmann::json Get(const SamplingParams& params) {
  using T = std::remove_cvref_t<decltype(params.*kField)>;
  if constexpr (std::is_floating_point_v<T>) {
    return nlohmann::json::parse(fmt::format("{}", params.*kField));  // 0.8, where a double would be 0.800000011920929
  } else {
    return params.*kField;
  }
}

template <auto kField>
void SetNumber(SamplingParams& params, std::string_view name, std::string_view text) {
  params.*kField = ParseNumber<std::remove_cvref_t<decltype(params.*kField)>>(name, text);
}

template <auto kField>
void SetBool(SamplingParams& params, std::string_view name, std::string_view text) {
  if (text != "true" && text != "on" && text != "false" && text != "off") Refuse(name, "on or off", text);
  params.*kField = text == "true" || text == "on";
}

nlohmann::json GetSeed(const SamplingParams& params) {
  return params.seed ? nlohmann::json(*params.seed) : nlohmann::json();
}

void SetSeed(SamplingParams& params, std::string_view name, std::string_view text) {
  if (text == "none" || text == "null") {
    params.seed.reset();
  } else {
    params.seed = ParseNumber<uint64_t>(name, text);
  }
}

// One text as it stands, or a JSON list of them.
void SetStop(SamplingParams& params, std::string_view name, std::string_view text) {
  if (text == "none" || text == "null") {
    params.stop.clear();
  } else if (text.starts_with('[') || text.starts_with('"')) {
    nlohmann::json list = ParseJson(text, {.max_bytes = 1 << 20, .max_depth = 2, .max_values = 1024}, name);
    if (!list.is_array()) list = nlohmann::json::array({list});
    std::vector<std::string> stop;
    for (const nlohmann::json& item : list) {
      if (!item.is_string()) Refuse(name, "a text or a JSON list of texts", text);
      stop.push_back(item.get<std::string>());
    }
    params.stop = std::move(stop);
  } else {
    params.stop = {std::string(text)};
  }
}

template <auto kField>
constexpr SamplingSetting Number(std::string_view name, std::string_view help) {
  return {name, help, Get<kField>, SetNumber<kField>};
}

using P = SamplingParams;
constexpr std::array kSettings = {
    Number<&P::temperature>("temperature", "0 = always the likeliest token"),
    Number<&P::top_k>("top_k", "sample from the K likeliest tokens; 0 = off"),
    Number<&P::top_p>("top_p", "sample from the smallest set of this probability; 1 = off"),
    Number<&P::min_p>("min_p", "drop tokens below this share of the likeliest one's probability; 0 = off"),
    Number<&P::repetition_penalty>("repetition_penalty", "above 1: tokens of prompt and output less likely; 1 = off"),
    Number<&P::presence_penalty>("presence_penalty", "subtracted from the logits of tokens in the output; 0 = off"),
    Number<&P::frequency_penalty>("frequency_penalty", "subtracted per occurrence in the output; 0 = off"),
    SamplingSetting{"seed", "same seed, same text; none = from the system", GetSeed, SetSeed},
    Number<&P::max_tokens>("max_tokens", "of one answer; 0 = until the model ends or the context is full"),
    Number<&P::min_tokens>("min_tokens", "do not end before this many tokens"),
    SamplingSetting{"stop", "text that ends the answer, or a JSON list of texts; none = off", Get<&P::stop>, SetStop},
    SamplingSetting{"ignore_eos", "on: go on where the model would end", Get<&P::ignore_eos>, SetBool<&P::ignore_eos>},
};

}  // namespace

std::span<const SamplingSetting> SamplingSettings() { return kSettings; }

void SetSampling(SamplingParams& params, std::string_view name, std::string_view text, int vocab) {
  std::string spelled(name);
  std::replace(spelled.begin(), spelled.end(), '-', '_');
  const auto* const setting =
      std::find_if(kSettings.begin(), kSettings.end(), [&](const SamplingSetting& s) { return s.name == spelled; });
  if (setting == kSettings.end()) {
    std::vector<std::string> names;
    for (const SamplingSetting& s : kSettings) names.emplace_back(s.name);
    const std::string nearest = Nearest(spelled, names);
    throw Error(ErrorCode::kUsage, "unknown setting \"{}\"{}", OneLine(name, kShownValue),
                nearest.empty() ? "" : fmt::format(", did you mean {}?", nearest));
  }
  SamplingParams changed = params;
  setting->set(changed, setting->name, text);
  Validate(changed, vocab);
  params = std::move(changed);
}

}  // namespace spate
