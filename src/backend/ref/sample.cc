#include "backend/ref/sample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "base/check.h"
#include "base/rng.h"

namespace spate::ref {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double Sanitized(float logit) {
  if (std::isnan(logit)) return -kInfinity;
  return std::min(static_cast<double>(logit), static_cast<double>(std::numeric_limits<float>::max()));
}

// Ids with a finite value, most probable first, lower id first among equals.
std::vector<int32_t> Ranked(std::span<const double> values) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] > -kInfinity) ids.push_back(static_cast<int32_t>(i));
  }
  std::stable_sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) {
    return values[static_cast<size_t>(a)] > values[static_cast<size_t>(b)];
  });
  return ids;
}

// What a request without extras asks for.
constexpr SamplerStep kUsualSteps[] = {SamplerStep::kPenalties, SamplerStep::kTemperature, SamplerStep::kTopK,
                                       SamplerStep::kTopP, SamplerStep::kMinP};

std::span<const SamplerStep> Steps(const SampleArgs& args) {
  if (args.extras == nullptr) return kUsualSteps;
  return {args.extras->steps, static_cast<size_t>(args.extras->step_count)};
}

// Ids whose choice would complete a bad word.
std::vector<int32_t> CompletedBadWords(const SampleArgs& args, const SlotState& slot) {
  std::vector<int32_t> ids;
  if (args.extras == nullptr) return ids;
  int32_t begin = 0;
  for (int32_t w = 0; w < args.extras->bad_word_count; ++w) {
    const int32_t end = args.extras->bad_word_ends[w];
    const std::vector<int32_t> word(args.extras->bad_words + begin, args.extras->bad_words + end);
    begin = end;
    const size_t before = word.size() - 1;
    if (slot.tokens.size() < before) continue;
    if (std::equal(word.begin(), word.end() - 1, slot.tokens.end() - static_cast<ptrdiff_t>(before))) {
      ids.push_back(word.back());
    }
  }
  return ids;
}

int32_t LowestNotBanned(size_t vocab, const SampleArgs& args, const SlotState& slot) {
  std::vector<uint8_t> banned(vocab);
  for (int32_t i = 0; i < args.bias_count; ++i) {
    if (static_cast<double>(args.bias[i].bias) == -kInfinity) banned[static_cast<size_t>(args.bias[i].id)] = 1;
  }
  for (const int32_t id : CompletedBadWords(args, slot)) banned[static_cast<size_t>(id)] = 1;
  const auto free = std::find(banned.begin(), banned.end(), uint8_t{0});
  return free == banned.end() ? 0 : static_cast<int32_t>(free - banned.begin());
}

void Apply(SamplerStep step, const SampleArgs& args, const SlotState& slot, Candidates& candidates) {
  static constexpr SamplerExtras kNone;
  const SamplerExtras& extras = args.extras != nullptr ? *args.extras : kNone;
  switch (step) {
    case SamplerStep::kPenalties:
      return Penalize(args, slot, candidates);
    case SamplerStep::kDry:
      if (extras.dry_multiplier > 0) SuppressRepetition(extras, slot.tokens, candidates);
      return;
    case SamplerStep::kTopNSigma:
      if (extras.top_n_sigma > 0) KeepTopNSigma(static_cast<double>(extras.top_n_sigma), candidates);
      return;
    case SamplerStep::kTemperature:
      if (extras.dynatemp_range > 0) {
        return TemperByEntropy(static_cast<double>(args.temperature), static_cast<double>(extras.dynatemp_range),
                               static_cast<double>(extras.dynatemp_exponent), candidates);
      }
      return Temper(static_cast<double>(args.temperature), candidates);
    case SamplerStep::kTopK:
      if (args.top_k > 0) KeepTopK(args.top_k, candidates);
      return;
    case SamplerStep::kTypicalP:
      if (extras.typical_p < 1) KeepTypical(static_cast<double>(extras.typical_p), candidates);
      return;
    case SamplerStep::kTopP:
      if (args.top_p < 1) KeepTopP(static_cast<double>(args.top_p), candidates);
      return;
    case SamplerStep::kMinP:
      if (args.min_p > 0) KeepMinP(static_cast<double>(args.min_p), candidates);
      return;
    case SamplerStep::kXtc:
      if (UniformAt(args.seed, args.choice, static_cast<uint64_t>(args.position), 1) < extras.xtc_probability) {
        ExcludeTopChoices(static_cast<double>(extras.xtc_threshold), candidates);
      }
      return;
  }
  CHECK(false, "sampler {}", static_cast<int>(step));
}

// What the samplers leave, before mirostat; empty when no token has a finite logit.
Candidates Choices(std::span<const float> logits, const SampleArgs& args, const SlotState& slot) {
  const std::vector<double> adjusted = AdjustedLogits(logits, args, slot);
  Candidates candidates;
  for (const int32_t id : Ranked(adjusted)) candidates.push_back({id, adjusted[static_cast<size_t>(id)]});
  if (candidates.empty()) return candidates;
  const bool greedy = args.temperature <= 0;
  for (const SamplerStep step : Steps(args)) {
    if (!greedy || step == SamplerStep::kPenalties || step == SamplerStep::kDry) Apply(step, args, slot, candidates);
  }
  if (greedy) candidates.resize(1);
  return candidates;
}

bool UsesMirostat(const SampleArgs& args) {
  return args.extras != nullptr && args.extras->mirostat && args.temperature > 0;
}

void SetLogProbabilities(std::span<const float> logits, int32_t top_logprobs, SampleResult& result) {
  std::vector<double> raw(logits.size());
  std::transform(logits.begin(), logits.end(), raw.begin(), Sanitized);
  const double max = *std::max_element(raw.begin(), raw.end());
  double log_sum = -kInfinity;
  if (max > -kInfinity) {
    double sum = 0;
    for (double value : raw) sum += std::exp(value - max);
    log_sum = std::log(sum);
  }
  const auto log_probability = [&](int32_t id) {
    const double value = raw[static_cast<size_t>(id)];
    return value > -kInfinity ? static_cast<float>(value - max - log_sum) : -std::numeric_limits<float>::infinity();
  };
  result.logprob = log_probability(result.token);
  const std::vector<int32_t> ranked = Ranked(raw);
  result.top_count = std::min({top_logprobs, kMaxTopLogprobs, static_cast<int32_t>(ranked.size())});
  for (int32_t i = 0; i < result.top_count; ++i) {
    result.top_ids[i] = ranked[static_cast<size_t>(i)];
    result.top_logprobs[i] = log_probability(result.top_ids[i]);
  }
}

}  // namespace

std::vector<double> AdjustedLogits(std::span<const float> logits, const SampleArgs& args, const SlotState& slot) {
  std::vector<double> adjusted(logits.size());
  std::transform(logits.begin(), logits.end(), adjusted.begin(), Sanitized);
  for (int32_t i = 0; i < args.bias_count; ++i) {
    CHECK(args.bias[i].id >= 0 && static_cast<size_t>(args.bias[i].id) < adjusted.size(), "bias of token {}",
          args.bias[i].id);
    adjusted[static_cast<size_t>(args.bias[i].id)] += static_cast<double>(args.bias[i].bias);
  }
  for (const int32_t id : CompletedBadWords(args, slot)) adjusted[static_cast<size_t>(id)] = -kInfinity;
  return adjusted;
}

std::vector<double> Probabilities(std::span<const float> logits, const SampleArgs& args, const SlotState& slot) {
  std::vector<double> probabilities(logits.size());
  Candidates candidates = Choices(logits, args, slot);
  if (candidates.empty()) {
    probabilities[static_cast<size_t>(LowestNotBanned(logits.size(), args, slot))] = 1;
    return probabilities;
  }
  if (UsesMirostat(args)) KeepMirostat(static_cast<double>(slot.mirostat_mu), candidates);
  const std::vector<double> p = Softmax(candidates);
  for (size_t i = 0; i < p.size(); ++i) probabilities[static_cast<size_t>(candidates[i].id)] = p[i];
  return probabilities;
}

int32_t Draw(std::span<const double> probabilities, double u) {
  double cumulative = 0;
  int32_t last = 0;
  for (size_t i = 0; i < probabilities.size(); ++i) {
    if (probabilities[i] <= 0) continue;
    cumulative += probabilities[i];
    last = static_cast<int32_t>(i);
    if (cumulative > u) return last;
  }
  return last;  // rounding left the sum a little below 1
}

SampleResult SampleRow(std::span<const float> logits, const SampleArgs& args, const SlotState& slot) {
  SampleResult result;
  result.no_logits =
      std::all_of(logits.begin(), logits.end(), [](float logit) { return Sanitized(logit) == -kInfinity; });
  const std::vector<double> probabilities = Probabilities(logits, args, slot);
  const float u = UniformAt(args.seed, args.choice, static_cast<uint64_t>(args.position), 0);
  result.token = Draw(probabilities, static_cast<double>(u));
  result.mirostat_mu = slot.mirostat_mu;
  if (UsesMirostat(args)) {
    const Candidates candidates = Choices(logits, args, slot);
    const std::vector<double> surprise = Surprise(candidates);
    for (size_t i = 0; i < candidates.size(); ++i) {
      if (candidates[i].id != result.token) continue;
      result.mirostat_mu = NextMu(*args.extras, slot.mirostat_mu, surprise[i] / std::numbers::ln2);
    }
  }
  if (args.top_logprobs >= 0) SetLogProbabilities(logits, args.top_logprobs, result);
  return result;
}

}  // namespace spate::ref
