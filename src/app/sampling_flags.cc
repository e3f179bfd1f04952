#include "app/sampling_flags.h"

#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/log.h"
#include "engine/sampling_options.h"

namespace spate {
namespace {

constexpr float kDefaultTemperature = 0.8f;
constexpr int kDefaultTokens = 256;

// "ID:BIAS" or "ID:-inf".
TokenBias ParseBias(const std::string& text) {
  const size_t colon = text.find(':');
  TokenBias bias;
  const char* const begin = text.data();
  const auto id = std::from_chars(begin, begin + std::min(colon, text.size()), bias.id);
  const bool ok = colon != std::string::npos && id.ec == std::errc() && id.ptr == begin + colon;
  const auto value = ok ? std::from_chars(begin + colon + 1, begin + text.size(), bias.bias)
                        : std::from_chars_result{begin, std::errc::invalid_argument};
  if (value.ec != std::errc() || value.ptr != begin + text.size() || std::isnan(bias.bias)) {
    throw Error(ErrorCode::kUsage, "--logit-bias: expected ID:BIAS such as 15:-2.5 or 15:-inf, got \"{}\"", text);
  }
  return bias;
}

}  // namespace

SamplingFlags::SamplingFlags() : floats_(SamplingOptions().size()), ints_(SamplingOptions().size()) {}

void SamplingFlags::AddTo(CLI::App& command) {
  const auto add = [&](const std::string& names, auto& target, const std::string& help) {
    return command.add_option(names, target, help)->group(kGroup);
  };
  add("-n,--max-tokens", max_tokens_,
      fmt::format("tokens to generate; 0 = until the model ends or the context is full. Default: {}", kDefaultTokens))
      ->check(CLI::Range(0, 1 << 30));
  for (size_t i = 0; i < SamplingOptions().size(); ++i) {
    const SamplingOption& option = SamplingOptions()[i];
    std::string help(option.help);
    if (option.name == "temperature")
      help += fmt::format(". Default: generation_config.json, else {}", kDefaultTemperature);
    if (option.is_int()) {
      add(FlagName(option.name), ints_[i], help);
    } else {
      add(FlagName(option.name), floats_[i], help);
    }
  }
  add("--dry-sequence-breaker", breakers_,
      "DRY: text that no repetition reaches across (repeatable); none = no breaker")
      ->allow_extra_args(false);
  add("--bad-word", bad_words_, "text that the output must not contain as these tokens (repeatable)")
      ->allow_extra_args(false);
  add("--samplers", samplers_, "which samplers run, in this order: " + FormatSamplers(DefaultSamplers()));
  add("--seed", seed_, "same seed, same text. Default: from the system, and reported");
  add("--stop", stop_, "text that ends the output (repeatable)")->allow_extra_args(false);
  add("--stop-id", stop_ids_, "token id that ends the output (repeatable)")->allow_extra_args(false);
  add("--logit-bias", bias_, "ID:BIAS added to a token's logit, -inf bans it (repeatable)")->allow_extra_args(false);
  add("--min-tokens", min_tokens_, "do not end before this many tokens")->check(CLI::Range(0, 1 << 30));
  command.add_flag("--ignore-eos", ignore_eos_, "go on where the model would end")->group(kGroup);
  add("--logprobs", logprobs_, "with --json: log-probability of each token and of this many likeliest")
      ->check(CLI::Range(0, kMaxTopLogprobs));
}

SamplingSettings SamplingFlags::Settings(const std::filesystem::path& folder) const {
  SamplingParams defaults;
  defaults.temperature = kDefaultTemperature;
  defaults.max_tokens = kDefaultTokens;
  SamplingSettings settings(std::move(defaults));
  settings.ReadGenerationConfig(folder);
  for (size_t i = 0; i < SamplingOptions().size(); ++i) {
    const SamplingOption& option = SamplingOptions()[i];
    const std::string flag = FlagName(option.name);
    if (floats_[i]) settings.SetNumber(option, static_cast<double>(*floats_[i]), flag);
    if (ints_[i]) settings.SetNumber(option, *ints_[i], flag);
  }
  if (max_tokens_) settings.Mutable("max_tokens").max_tokens = *max_tokens_;
  if (min_tokens_) settings.Mutable("min_tokens").min_tokens = *min_tokens_;
  if (samplers_) settings.Mutable("samplers").samplers = ParseSamplers(*samplers_, "--samplers");
  if (!breakers_.empty()) {
    std::vector<std::string>& breakers = settings.Mutable("dry_sequence_breakers").dry_breakers;
    breakers = breakers_;
    if (breakers == std::vector<std::string>{"none"}) breakers.clear();
  }
  if (!bad_words_.empty()) settings.Mutable("bad_words").bad_words = bad_words_;
  if (seed_) settings.Mutable("seed").seed = seed_;
  if (!stop_.empty()) settings.Mutable("stop").stop = stop_;
  if (!stop_ids_.empty()) settings.Mutable("stop_ids").stop_ids = stop_ids_;
  for (const std::string& bias : bias_) settings.Mutable("logit_bias").logit_bias.push_back(ParseBias(bias));
  if (ignore_eos_) settings.Mutable("ignore_eos").ignore_eos = true;
  if (logprobs_) settings.Mutable("top_logprobs").top_logprobs = *logprobs_;
  settings.Finish();
  return settings;
}

SamplingParams SamplingFlags::Params(const std::filesystem::path& folder) const {
  const SamplingSettings settings = Settings(folder);
  for (const std::string& warning : settings.warnings()) LogWarn("{}", warning);
  return settings.params();
}

}  // namespace spate
