#include "backend/ref/samplers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <numeric>

namespace spate::ref {
namespace {

// Keeps a penalised logit finite.
constexpr double kLargestDryPenalty = 1e30;

// After logits have changed.
void Rank(Candidates& candidates) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  for (Candidate& c : candidates) c.logit = std::clamp(c.logit, -kLargest, kLargest);
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  });
}

double Entropy(std::span<const Candidate> candidates) {
  const std::vector<double> p = Softmax(candidates);
  const std::vector<double> surprise = Surprise(candidates);
  double entropy = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] > 0) entropy += p[i] * surprise[i];
  }
  return entropy;
}

}  // namespace

std::vector<double> Softmax(std::span<const Candidate> candidates) {
  std::vector<double> p;
  for (const Candidate& c : candidates) p.push_back(std::exp(c.logit - candidates[0].logit));
  const double total = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& value : p) value /= total;
  return p;
}

std::vector<double> Surprise(std::span<const Candidate> candidates) {
  double total = 0;
  for (const Candidate& c : candidates) total += std::exp(c.logit - candidates[0].logit);
  std::vector<double> surprise;
  for (const Candidate& c : candidates) surprise.push_back(std::log(total) + (candidates[0].logit - c.logit));
  return surprise;
}

void Penalize(const SampleArgs& args, const SlotState& slot, Candidates& candidates) {
  if (!slot.tracked) return;
  const double repetition = static_cast<double>(args.repetition_penalty);
  for (Candidate& c : candidates) {
    const size_t i = static_cast<size_t>(c.id);
    const int32_t count = slot.in_output[i];
    if (slot.in_prompt[i] != 0 || count > 0) c.logit = c.logit > 0 ? c.logit / repetition : c.logit * repetition;
    if (count > 0) c.logit -= static_cast<double>(args.presence_penalty);
    c.logit -= static_cast<double>(args.frequency_penalty) * count;
  }
  Rank(candidates);
}

void SuppressRepetition(const SamplerExtras& extras, std::span<const int32_t> tokens, Candidates& candidates) {
  if (extras.dry_last_n >= 0 && tokens.size() > static_cast<size_t>(extras.dry_last_n)) {
    tokens = tokens.last(static_cast<size_t>(extras.dry_last_n));
  }
  const auto breaks = [&](int32_t id) {
    return std::find(extras.dry_breakers, extras.dry_breakers + extras.dry_breaker_count, id) !=
           extras.dry_breakers + extras.dry_breaker_count;
  };
  const int size = static_cast<int>(tokens.size());
  const auto at = [&](int i) { return tokens[static_cast<size_t>(i)]; };
  std::map<int32_t, int> longest;  // by the token that followed the earlier occurrence
  for (int end = 0; end + 1 < size; ++end) {
    if (breaks(at(end + 1))) continue;
    int length = 0;  // how many tokens up to `end` are the last tokens
    while (length < kDryLongestMatch && length <= end && at(end - length) == at(size - 1 - length) &&
           !breaks(at(end - length))) {
      ++length;
    }
    int& most = longest[at(end + 1)];
    most = std::max(most, length);
  }
  for (Candidate& c : candidates) {
    const auto found = longest.find(c.id);
    if (found == longest.end() || found->second < extras.dry_allowed_length) continue;
    const double penalty = static_cast<double>(extras.dry_multiplier) *
                           std::pow(static_cast<double>(extras.dry_base), found->second - extras.dry_allowed_length);
    c.logit -= std::min(penalty, kLargestDryPenalty);
  }
  Rank(candidates);
}

void KeepTopNSigma(double n, Candidates& candidates) {
  const double count = static_cast<double>(candidates.size());
  double mean = 0;
  for (const Candidate& c : candidates) mean += c.logit / count;
  double variance = 0;
  for (const Candidate& c : candidates) variance += (c.logit - mean) * (c.logit - mean) / count;
  const double least = candidates[0].logit - n * std::sqrt(variance);
  std::erase_if(candidates, [&](const Candidate& c) { return c.logit < least; });
}

void Temper(double temperature, Candidates& candidates) {
  for (Candidate& c : candidates) c.logit /= temperature;
}

void TemperByEntropy(double temperature, double range, double exponent, Candidates& candidates) {
  if (candidates.size() < 2) return;
  const double low = std::max(0.0, temperature - range);
  const double high = temperature + range;
  const double share = Entropy(candidates) / std::log(static_cast<double>(candidates.size()));
  const double dynamic = low + (high - low) * std::pow(std::min(share, 1.0), exponent);
  Temper(std::max(dynamic, static_cast<double>(kLeastDynamicTemperature)), candidates);
}

void KeepTopK(int32_t k, Candidates& candidates) {
  if (candidates.size() > static_cast<size_t>(k)) candidates.resize(static_cast<size_t>(k));
}

void KeepTypical(double mass, Candidates& candidates) {
  const std::vector<double> p = Softmax(candidates);
  const std::vector<double> surprise = Surprise(candidates);
  const double entropy = Entropy(candidates);
  std::vector<size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::abs(surprise[a] - entropy) < std::abs(surprise[b] - entropy);
  });
  Candidates kept;
  double sum = 0;
  for (const size_t i : order) {
    kept.push_back(candidates[i]);
    sum += p[i];
    if (sum >= mass) break;
  }
  Rank(kept);
  candidates = std::move(kept);
}

void KeepTopP(double mass, Candidates& candidates) {
  const std::vector<double> p = Softmax(candidates);
  double sum = p[0];
  size_t count = 1;
  for (; count < p.size() && sum < mass; ++count) sum += p[count];
  candidates.resize(count);
}

void KeepMinP(double share, Candidates& candidates) {
  const std::vector<double> p = Softmax(candidates);
  size_t count = p.size();
  while (count > 1 && p[count - 1] < share * p[0]) --count;
  candidates.resize(count);
}

void ExcludeTopChoices(double threshold, Candidates& candidates) {
  const std::vector<double> p = Softmax(candidates);
  size_t top = 0;
  while (top < p.size() && p[top] >= threshold) ++top;
  if (top > 1) candidates.erase(candidates.begin(), candidates.begin() + static_cast<ptrdiff_t>(top - 1));
}

void KeepMirostat(double mu, Candidates& candidates) {
  const std::vector<double> surprise = Surprise(candidates);
  size_t count = 1;
  while (count < candidates.size() && surprise[count] / std::numbers::ln2 <= mu) ++count;
  candidates.resize(count);
}

float NextMu(const SamplerExtras& extras, float mu, double bits) {
  const double error = bits - static_cast<double>(extras.mirostat_tau);
  return static_cast<float>(static_cast<double>(mu) - static_cast<double>(extras.mirostat_eta) * error);
}

}  // namespace spate::ref
