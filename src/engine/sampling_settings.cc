#include "engine/sampling_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/json.h"
#include "engine/sampling_params.h"

namespace spate {
namespace {

using json = nlohmann::json;

// Fields of GenerationConfig that change what is generated, and the number with which they do not.
struct UnknownField {
  std::string_view name;
  double neutral;
};
constexpr UnknownField kUnknownFields[] = {
    {"epsilon_cutoff", 0},
    {"eta_cutoff", 0},
    {"top_h", 1},
    {"num_beams", 1},
    {"num_beam_groups", 1},
    {"penalty_alpha", 0},
    {"no_repeat_ngram_size", 0},
    {"length_penalty", 1},
    {"encoder_repetition_penalty", 1},
    {"diversity_penalty", 0},
    {"guidance_scale", 1},
    {"encoder_no_repeat_ngram_size", 0},
    {"sequence_bias", 0},
    {"suppress_tokens", 0},
    {"begin_suppress_tokens", 0},
    {"watermarking_config", 0},
    {"force_words_ids", 0},
    {"constraints", 0},
    {"forced_bos_token_id", -1},
    {"forced_eos_token_id", -1},
};

std::vector<std::vector<int32_t>> ReadBadWords(const json& list, std::string_view what) {
  std::vector<std::vector<int32_t>> words;
  const auto refuse = [&](const json& value) {
    throw Error(ErrorCode::kBadInput, "{}: bad_words_ids: expected lists of token ids, got {}", what,
                DescribeJson(value));
  };
  if (list.size() > kMaxBadWords) refuse(list);
  for (const json& entry : list) {
    if (!entry.is_array() || entry.empty() || entry.size() > kMaxBadWordIds) refuse(entry);
    std::vector<int32_t>& word = words.emplace_back();
    for (const json& id : entry) {
      if (!id.is_number_unsigned() || id.get<uint64_t>() > std::numeric_limits<int32_t>::max()) refuse(id);
      word.push_back(id.get<int32_t>());
    }
  }
  return words;
}

}  // namespace

std::string_view Name(SettingSource source) {
  constexpr std::string_view kNames[] = {"default", "generation_config.json", "flag", "off: mirostat"};
  return kNames[static_cast<size_t>(source)];
}

void SamplingSettings::ReadGenerationConfig(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "generation_config.json";
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored)) ReadGenerationConfig(ReadJsonFile(file.string(), {}), file.string());
}

void SamplingSettings::ReadGenerationConfig(const json& config, std::string_view what) {
  for (const SamplingOption& option : SamplingOptions()) {
    if (!option.in_generation_config || FindField(config, option.name, what) == nullptr) continue;
    const double value = GetFloat(config, option.name, std::nullopt, -1e9, 1e9, what);
    try {
      option.Set(params_, value, fmt::format("{}: {}", what, option.name));
    } catch (const Error& e) {
      throw Error(ErrorCode::kBadInput, "{}", e.what());
    }
    sources_[std::string(option.name)] = SettingSource::kGenerationConfig;
  }
  if (!GetBool(config, "do_sample", true, what)) {
    params_.temperature = 0;
    sources_["temperature"] = SettingSource::kGenerationConfig;
  }
  if (const json* words = FindArray(config, "bad_words_ids", what); words != nullptr && !words->empty()) {
    params_.bad_words_ids = ReadBadWords(*words, what);
    sources_["bad_words_ids"] = SettingSource::kGenerationConfig;
  }
  for (const UnknownField& field : kUnknownFields) {
    const json* value = FindField(config, field.name, what);
    if (value == nullptr || (value->is_number() && value->get<double>() == field.neutral)) continue;
    if ((value->is_array() || value->is_object()) && value->empty()) continue;
    warnings_.push_back(
        fmt::format("{}: {} {} is not supported and has no effect", what, field.name, DescribeJson(*value)));
  }
}

void SamplingSettings::SetNumber(const SamplingOption& option, double value, std::string_view label) {
  option.Set(params_, value, label);
  sources_[std::string(option.name)] = SettingSource::kFlag;
}

SamplingParams& SamplingSettings::Mutable(std::string_view name) {
  sources_[std::string(name)] = SettingSource::kFlag;
  return params_;
}

SettingSource SamplingSettings::SourceOf(std::string_view name) const {
  const auto found = sources_.find(name);
  return found == sources_.end() ? SettingSource::kDefault : found->second;
}

bool SamplingSettings::IsOff(const SamplingOption& option) const {
  const auto is_it = [&](SamplerStep step) { return Name(step) == option.sampler; };
  return !option.sampler.empty() && std::none_of(params_.samplers.begin(), params_.samplers.end(), is_it);
}

void SamplingSettings::Finish() {
  for (const SamplingOption& option : SamplingOptions()) {
    const bool by_user = SourceOf(option.name) == SettingSource::kFlag;
    if (by_user && IsOff(option)) {
      throw Error(ErrorCode::kUsage, "{}: its sampler \"{}\" is not among the samplers {}; add it there", option.name,
                  option.sampler, FormatSamplers(params_.samplers));
    }
    if (params_.mirostat != 0 && option.is_filter && !by_user && option.Get(params_) != option.off) {
      option.Set(params_, option.off, option.name);
      sources_[std::string(option.name)] = SettingSource::kMirostat;
    }
  }
  CheckMirostat(params_);
}

std::vector<Setting> SamplingSettings::List() const {
  std::vector<Setting> list;
  const auto add = [&](std::string_view name, json value) {
    list.push_back({std::string(name), std::move(value), std::string(Name(SourceOf(name)))});
  };
  add("max_tokens", params_.max_tokens);
  add("min_tokens", params_.min_tokens);
  add("samplers", FormatSamplers(params_.samplers));
  for (const SamplingOption& option : SamplingOptions()) {
    add(option.name, option.Json(params_));
    if (IsOff(option) && option.Get(params_) != option.off) list.back().source += ", off: not in samplers";
  }
  add("dry_sequence_breakers", params_.dry_breakers);
  add("bad_words", params_.bad_words);
  add("bad_words_ids", params_.bad_words_ids);
  json bias = json::array();
  for (const TokenBias& b : params_.logit_bias) {
    bias.push_back(fmt::format("{}:{}", b.id, b.bias));
  }
  add("logit_bias", std::move(bias));
  add("seed", params_.seed ? json(*params_.seed) : json("random"));
  add("stop", params_.stop);
  add("stop_ids", params_.stop_ids);
  add("ignore_eos", params_.ignore_eos);
  add("top_logprobs", params_.top_logprobs);
  return list;
}

}  // namespace spate
