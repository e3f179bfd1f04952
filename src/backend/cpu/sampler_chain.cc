#include "backend/cpu/sampler_chain.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace spate::cpu {
namespace {

constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kKept = -1;  // in place of a weight: the token stays

}  // namespace

SamplerChain::SamplerChain(const RowKernels& kernels, const Buffers& buffers, const float* x, int64_t vocab)
    : kernels_(kernels), buffers_(buffers) {
  count_ = kernels_.collect(x, vocab, -kLargest, buffers_.ids);
  for (int64_t i = 0; i < count_; ++i) buffers_.values[i] = std::min(x[buffers_.ids[i]], kLargest);
  FindMax();
}

float SamplerChain::Finite(double value) {
  return static_cast<float>(std::clamp(value, static_cast<double>(-kLargest), static_cast<double>(kLargest)));
}

void SamplerChain::FindMax() {
  if (count_ == 0) return;
  const RowKernels::Best best = kernels_.best(buffers_.values, count_);
  max_ = best.value;
  best_ = best.index;
}

void SamplerChain::FoldFactor() {
  if (factor_ == 1) return;
  for (int64_t i = 0; i < count_; ++i) buffers_.values[i] = Finite(Value(i) * static_cast<double>(factor_));
  max_ = Finite(static_cast<double>(max_) * static_cast<double>(factor_));
  factor_ = 1;
}

double SamplerChain::Weigh() { return kernels_.weigh(buffers_.values, count_, max_, factor_, 0, buffers_.weights); }

double SamplerChain::Nats(int64_t i, double log_total) const {
  return (static_cast<double>(max_) - Value(i)) * static_cast<double>(factor_) + log_total;
}

double SamplerChain::Entropy(double total) const {
  const double log_total = std::log(total);
  double sum = 0;
  for (int64_t i = 0; i < count_; ++i) {
    if (buffers_.weights[i] > 0) sum += Weight(i) * Nats(i, log_total);
  }
  return sum / total;
}

template <class Keep>
void SamplerChain::KeepIf(Keep keep) {
  int64_t kept = 0;
  for (int64_t i = 0; i < count_; ++i) {
    if (!keep(i)) continue;
    buffers_.ids[kept] = buffers_.ids[i];
    buffers_.values[kept++] = buffers_.values[i];
  }
  count_ = kept;
  FindMax();
}

void SamplerChain::KeepOrdered(int64_t kept) {
  for (int64_t i = 0; i < kept; ++i) buffers_.weights[buffers_.order[i]] = kKept;
  KeepIf([&](int64_t i) { return buffers_.weights[i] == kKept; });
}

template <class Before>
void SamplerChain::KeepFirst(int64_t ranked, double enough, Before before) {
  // Before `begin` stand the first in rank, which weigh `sum`, less than enough; up to `end` they weigh enough, or are
  // all. Halves are put in order only where the cut is: linear time.
  int64_t begin = 0, end = ranked;
  double sum = 0;
  int32_t* const order = buffers_.order;
  while (end - begin > 1) {
    const int64_t middle = begin + (end - begin) / 2;
    std::nth_element(order + begin, order + middle, order + end, before);
    double half = 0;
    for (int64_t i = begin; i < middle; ++i) half += Weight(order[i]);
    if (sum + half >= enough) {
      end = middle;
    } else {
      sum += half;
      begin = middle;
    }
  }
  KeepOrdered(end);
}

void SamplerChain::KeepTopNSigma(double n) {
  // Of the values without their factor, which changes both sides alike.
  const double count = static_cast<double>(count_);
  double mean = 0;
  for (int64_t i = 0; i < count_; ++i) mean += Value(i) / count;
  double variance = 0;
  for (int64_t i = 0; i < count_; ++i) variance += (Value(i) - mean) * (Value(i) - mean) / count;
  const double least = static_cast<double>(max_) - n * std::sqrt(variance);
  KeepIf([&](int64_t i) { return Value(i) >= least; });
}

void SamplerChain::Temper(double temperature) {
  const float factor = std::min(1.0f / static_cast<float>(temperature), kLargest);
  factor_ = factor_ == 1 ? factor : std::min(factor_ * factor, kLargest);
}

void SamplerChain::TemperByEntropy(double temperature, double range, double exponent) {
  if (count_ < 2) return;
  const double low = std::max(0.0, temperature - range);
  const double high = temperature + range;
  const double share = Entropy(Weigh()) / std::log(static_cast<double>(count_));
  const double dynamic = low + (high - low) * std::pow(std::clamp(share, 0.0, 1.0), exponent);
  Temper(std::max(dynamic, static_cast<double>(kLeastDynamicTemperature)));
}

void SamplerChain::KeepTopK(int64_t k) {
  if (k >= count_) return;
  for (int64_t i = 0; i < count_; ++i) buffers_.order[i] = static_cast<int32_t>(i);
  const float* const values = buffers_.values;
  std::nth_element(buffers_.order, buffers_.order + k, buffers_.order + count_, [values](int32_t a, int32_t b) {
    return values[a] > values[b] || (values[a] == values[b] && a < b);
  });
  std::fill_n(buffers_.weights, count_, 0.0f);
  KeepOrdered(k);
}

void SamplerChain::KeepTypical(double mass) {
  const double total = Weigh();
  const double log_total = std::log(total);
  const double entropy = Entropy(total);
  const double enough = mass * total;
  const auto distance = [&](int64_t i) { return std::abs(Nats(i, log_total) - entropy); };
  // Ranking all tokens of a large vocabulary takes 10 ms. What lies within bounds needs no rank, so they are sorted
  // into bins of 1/32 nat first, and only the bin where the cut is into their order.
  constexpr int kBins = 1024;
  const auto bin = [&](int64_t i) { return static_cast<int>(std::min(distance(i) * 32, kBins - 1.0)); };
  double sums[kBins] = {};
  for (int64_t i = 0; i < count_; ++i) sums[bin(i)] += Weight(i);
  double nearer = 0;  // weight of the bins before `cut`, which has some itself
  int cut = kBins - 1;
  while (cut > 0 && sums[cut] == 0) --cut;
  for (int b = 0; b < cut; ++b) {
    if (nearer + sums[b] >= enough) {
      cut = b;
    } else {
      nearer += sums[b];
    }
  }
  int64_t ranked = 0;
  for (int64_t i = 0; i < count_; ++i) {
    const int b = bin(i);
    if (b == cut) buffers_.order[ranked++] = static_cast<int32_t>(i);
    if (b < cut) buffers_.weights[i] = kKept;
  }
  const float* const values = buffers_.values;
  KeepFirst(ranked, enough - nearer, [&](int32_t a, int32_t b) {
    if (values[a] == values[b]) return a < b;
    const double near_a = distance(a);
    const double near_b = distance(b);
    return near_a != near_b ? near_a < near_b : values[a] > values[b];
  });
}

void SamplerChain::KeepTopP(double mass) {
  const double total = Weigh();
  // All lighter ones together weigh less than what may be missing.
  const double least = 0.999 * (1 - mass) * total / static_cast<double>(count_);
  int64_t ranked = 0;
  for (int64_t i = 0; i < count_; ++i) {
    if (Weight(i) >= least) buffers_.order[ranked++] = static_cast<int32_t>(i);
  }
  const float* const values = buffers_.values;
  KeepFirst(ranked, mass * total,
            [values](int32_t a, int32_t b) { return values[a] > values[b] || (values[a] == values[b] && a < b); });
}

void SamplerChain::KeepMinP(float share) {
  Weigh();
  const float floor = std::min(share, 1.0f);
  KeepIf([&](int64_t i) { return buffers_.weights[i] >= floor || i == best_; });
}

void SamplerChain::ExcludeTopChoices(double threshold) {
  const double least = threshold * Weigh();
  int64_t spared = -1;  // the last in rank of those with at least that weight
  for (int64_t i = 0; i < count_; ++i) {
    if (Weight(i) >= least && (spared < 0 || buffers_.values[i] <= buffers_.values[spared])) spared = i;
  }
  if (spared < 0) return;
  KeepIf([&](int64_t i) { return i == spared || Weight(i) < least; });
}

SamplerChain::Drawn SamplerChain::DrawWeighed(double u, double kept, double total) const {
  const double target = u * kept;
  double cumulative = 0;
  int64_t drawn = best_;
  for (int64_t i = 0; i < count_; ++i) {
    if (buffers_.weights[i] <= 0) continue;
    drawn = i;
    cumulative += Weight(i);
    if (cumulative > target) break;
  }
  return {buffers_.ids[drawn], Nats(drawn, std::log(total)) / std::numbers::ln2};
}

SamplerChain::Drawn SamplerChain::Draw(double u) {
  const double total = Weigh();
  return DrawWeighed(u, total, total);
}

SamplerChain::Drawn SamplerChain::DrawMirostat(double u, double mu) {
  const double total = Weigh();
  const double log_total = std::log(total);
  for (int64_t i = 0; i < count_; ++i) {
    if (i != best_ && Nats(i, log_total) / std::numbers::ln2 > mu) buffers_.weights[i] = 0;
  }
  return DrawWeighed(u, kernels_.sum_at_least(buffers_.weights, count_, 0), total);
}

}  // namespace spate::cpu
