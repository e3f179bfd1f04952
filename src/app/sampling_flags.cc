#include "app/sampling_flags.h"

#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/json.h"

namespace spate {
namespace {

constexpr float kDefaultTemperature = 0.8f;

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

void SamplingFlags::AddTo(CLI::App& command) {
  command
      .add_option("-n,--max-tokens", max_tokens_, "tokens to generate; 0 = until the model ends or the context is full")
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str();
  command.add_option("--temperature", temperature_, "0 = greedy. Default: generation_config.json, else 0.8");
  command.add_option("--top-k", top_k_, "sample from the K most likely tokens; 0 = off");
  command.add_option("--top-p", top_p_, "sample from the smallest set of this probability; 1 = off");
  command.add_option("--min-p", min_p_, "drop tokens below this share of the most likely one's probability");
  command.add_option("--repetition-penalty", repetition_, "above 1 makes tokens of prompt and output less likely");
  command.add_option("--presence-penalty", presence_, "subtracted from the logits of tokens in the output");
  command.add_option("--frequency-penalty", frequency_, "subtracted per occurrence in the output");
  command.add_option("--seed", seed_, "same seed, same text. Default: from the system, and reported");
  command.add_option("--stop", stop_, "text that ends the output (repeatable)")->allow_extra_args(false);
  command.add_option("--stop-id", stop_ids_, "token id that ends the output (repeatable)")->allow_extra_args(false);
  command.add_option("--logit-bias", bias_, "ID:BIAS added to a token's logit, -inf bans it (repeatable)")
      ->allow_extra_args(false);
  command.add_option("--min-tokens", min_tokens_, "do not end before this many tokens")->check(CLI::Range(0, 1 << 30));
  command.add_flag("--ignore-eos", ignore_eos_, "go on where the model would end");
  command.add_option("--logprobs", logprobs_, "with --json: log-probability of each token and of this many likeliest")
      ->check(CLI::Range(0, kMaxTopLogprobs));
}

SamplingParams SamplingFlags::Params(const std::filesystem::path& folder) const {
  SamplingParams params;
  params.temperature = kDefaultTemperature;
  if (const auto file = folder / "generation_config.json"; std::filesystem::exists(file)) {
    const std::string what = file.string();
    const nlohmann::json config = ReadJsonFile(what, {});
    if (GetBool(config, "do_sample", true, what)) {
      const auto number = [&](std::string_view key, float fallback) {
        return static_cast<float>(GetFloat(config, key, static_cast<double>(fallback), -1e6, 1e6, what));
      };
      params.temperature = number("temperature", params.temperature);
      params.top_p = number("top_p", params.top_p);
      params.min_p = number("min_p", params.min_p);
      params.repetition_penalty = number("repetition_penalty", params.repetition_penalty);
      params.top_k = static_cast<int>(GetInt(config, "top_k", params.top_k, 0, 1 << 30, what));
    }
  }
  params.temperature = temperature_.value_or(params.temperature);
  params.top_k = top_k_.value_or(params.top_k);
  params.top_p = top_p_.value_or(params.top_p);
  params.min_p = min_p_.value_or(params.min_p);
  params.repetition_penalty = repetition_.value_or(params.repetition_penalty);
  params.presence_penalty = presence_.value_or(params.presence_penalty);
  params.frequency_penalty = frequency_.value_or(params.frequency_penalty);
  params.max_tokens = max_tokens_;
  params.min_tokens = min_tokens_;
  params.seed = seed_;
  params.ignore_eos = ignore_eos_;
  params.stop = stop_;
  params.stop_ids = stop_ids_;
  for (const std::string& bias : bias_) params.logit_bias.push_back(ParseBias(bias));
  params.top_logprobs = logprobs_;
  return params;
}

}  // namespace spate
