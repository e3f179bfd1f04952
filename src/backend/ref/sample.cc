#include "backend/ref/sample.h"

#include <algorithm>
#include <cmath>
#include <limits>
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

int32_t LowestNotBanned(size_t vocab, const SampleArgs& args) {
  std::vector<uint8_t> banned(vocab);
  for (int32_t i = 0; i < args.bias_count; ++i) {
    if (static_cast<double>(args.bias[i].bias) == -kInfinity) banned[static_cast<size_t>(args.bias[i].id)] = 1;
  }
  const auto free = std::find(banned.begin(), banned.end(), uint8_t{0});
  return free == banned.end() ? 0 : static_cast<int32_t>(free - banned.begin());
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
  if (!slot.tracked) return adjusted;
  for (size_t i = 0; i < adjusted.size(); ++i) {
    const int32_t count = slot.in_output[i];
    const double repetition = static_cast<double>(args.repetition_penalty);
    if (slot.in_prompt[i] != 0 || count > 0) {
      adjusted[i] = adjusted[i] > 0 ? adjusted[i] / repetition : adjusted[i] * repetition;
    }
    if (count > 0) adjusted[i] -= static_cast<double>(args.presence_penalty);
    adjusted[i] -= static_cast<double>(args.frequency_penalty) * count;
  }
  return adjusted;
}

std::vector<double> Probabilities(std::span<const double> adjusted, const SampleArgs& args) {
  std::vector<double> probabilities(adjusted.size());
  std::vector<int32_t> kept = Ranked(adjusted);
  if (kept.empty()) {
    probabilities[static_cast<size_t>(LowestNotBanned(adjusted.size(), args))] = 1;
    return probabilities;
  }
  const double max = adjusted[static_cast<size_t>(kept[0])];
  if (args.temperature <= 0) {
    probabilities[static_cast<size_t>(kept[0])] = 1;
    return probabilities;
  }
  if (args.top_k > 0 && kept.size() > static_cast<size_t>(args.top_k)) kept.resize(static_cast<size_t>(args.top_k));

  std::vector<double> weights(kept.size());  // relative to the most probable token, in descending order
  for (size_t i = 0; i < kept.size(); ++i) {
    weights[i] = std::exp((adjusted[static_cast<size_t>(kept[i])] - max) / static_cast<double>(args.temperature));
  }
  size_t count = weights.size();
  if (args.top_p < 1) {
    const double enough = static_cast<double>(args.top_p) * std::accumulate(weights.begin(), weights.end(), 0.0);
    double sum = weights[0];
    for (count = 1; count < weights.size() && sum < enough; ++count) sum += weights[count];
  }
  if (args.min_p > 0) {
    while (count > 1 && weights[count - 1] < static_cast<double>(args.min_p)) --count;
  }
  const double total = std::accumulate(weights.begin(), weights.begin() + static_cast<ptrdiff_t>(count), 0.0);
  for (size_t i = 0; i < count; ++i) probabilities[static_cast<size_t>(kept[i])] = weights[i] / total;
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
  const std::vector<double> probabilities = Probabilities(AdjustedLogits(logits, args, slot), args);
  const float u = UniformAt(args.seed, args.choice, static_cast<uint64_t>(args.position), 0);
  result.token = Draw(probabilities, static_cast<double>(u));
  if (args.top_logprobs >= 0) SetLogProbabilities(logits, args.top_logprobs, result);
  return result;
}

}  // namespace spate::ref
