#include "engine/sampling_names.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>
#include <type_traits>

#include "base/error.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "engine/sampling_options.h"
#include "engine/sampling_params.h"

namespace spate {
namespace {

using nlohmann::json;

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

SamplingName OfOption(const SamplingOption& option) {
  return {option.name, option.help, [&option](const SamplingParams& params) { return option.Json(params); },
          [&option](SamplingParams& params, std::string_view text) {
            const double value = option.is_int() ? ParseNumber<int>(option.name, text)
                                                 : static_cast<double>(ParseNumber<float>(option.name, text));
            option.Set(params, value, option.name);
          }};
}

SamplingName Whole(std::string_view name, std::string_view help, int SamplingParams::*field) {
  return {name, help, [field](const SamplingParams& params) -> json { return params.*field; },
          [=](SamplingParams& params, std::string_view text) { params.*field = ParseNumber<int>(name, text); }};
}

// One text as it stands, or a JSON list of them; "none" is an empty list.
SamplingName Texts(std::string_view name, std::string_view help, std::vector<std::string> SamplingParams::*field) {
  const auto set = [=](SamplingParams& params, std::string_view text) {
    std::vector<std::string> texts;
    if (text.starts_with('[') || text.starts_with('"')) {
      json list = ParseJson(text, {.max_bytes = 1 << 20, .max_depth = 2, .max_values = 1024}, name);
      if (!list.is_array()) list = json::array({list});
      for (const json& item : list) {
        if (!item.is_string()) Refuse(name, "a text or a JSON list of texts", text);
        texts.push_back(item.get<std::string>());
      }
    } else if (text != "none" && text != "null") {
      texts.emplace_back(text);
    }
    params.*field = std::move(texts);
  };
  return {name, help, [field](const SamplingParams& params) -> json { return params.*field; }, set};
}

SamplingName Seed() {
  return {"seed", "same seed, same text; none = from the system",
          [](const SamplingParams& params) { return params.seed ? json(*params.seed) : json(); },
          [](SamplingParams& params, std::string_view text) {
            params.seed.reset();
            if (text != "none" && text != "null") params.seed = ParseNumber<uint64_t>("seed", text);
          }};
}

SamplingName Samplers() {
  return {"samplers", "which samplers run, in this order",
          [](const SamplingParams& params) -> json { return FormatSamplers(params.samplers); },
          [](SamplingParams& params, std::string_view text) { params.samplers = ParseSamplers(text, "samplers"); }};
}

SamplingName IgnoreEos() {
  return {"ignore_eos", "on: go on where the model would end",
          [](const SamplingParams& params) -> json { return params.ignore_eos; },
          [](SamplingParams& params, std::string_view text) {
            const bool on = text == "true" || text == "on";
            if (!on && text != "false" && text != "off") Refuse("ignore_eos", "on or off", text);
            params.ignore_eos = on;
          }};
}

}  // namespace

std::vector<SamplingName> SamplingNames() {
  std::vector<SamplingName> names;
  for (const SamplingOption& option : SamplingOptions()) names.push_back(OfOption(option));
  names.push_back(Samplers());
  names.push_back(
      Texts("dry_sequence_breakers", "texts that no repetition reaches across", &SamplingParams::dry_breakers));
  names.push_back(Texts("bad_words", "texts that the answer must not contain", &SamplingParams::bad_words));
  names.push_back(Seed());
  names.push_back(Whole("max_tokens", "of one answer; 0 = until the model ends or the context is full",
                        &SamplingParams::max_tokens));
  names.push_back(Whole("min_tokens", "do not end before this many tokens", &SamplingParams::min_tokens));
  names.push_back(
      Texts("stop", "text that ends the answer, or a JSON list of texts; none = off", &SamplingParams::stop));
  names.push_back(IgnoreEos());
  return names;
}

void SetSampling(SamplingParams& params, std::string_view name, std::string_view text, int vocab) {
  std::string spelled(name);
  std::replace(spelled.begin(), spelled.end(), '-', '_');
  const std::vector<SamplingName> known = SamplingNames();
  const auto found = std::find_if(known.begin(), known.end(), [&](const SamplingName& s) { return s.name == spelled; });
  if (found == known.end()) {
    std::vector<std::string> names;
    for (const SamplingName& s : known) names.emplace_back(s.name);
    const std::string nearest = Nearest(spelled, names);
    throw Error(ErrorCode::kUsage, "unknown setting \"{}\"{}", OneLine(name, kShownValue),
                nearest.empty() ? "" : fmt::format(", did you mean {}?", nearest));
  }
  SamplingParams changed = params;
  found->set(changed, text);
  Validate(changed, vocab);
  params = std::move(changed);
}

}  // namespace spate
