#include "backend/cpu/sampler_chain.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace spate::cpu {
namespace {

constexpr float kLargest = std::numeric_limits<float>::max();

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

void SamplerChain::KeepIndices(int32_t* first, int64_t kept) {
  std::sort(first, first + kept);
  for (int64_t i = 0; i < kept; ++i) {  // first[i] >= i: nothing is overwritten that is still needed
    buffers_.ids[i] = buffers_.ids[first[i]];
    buffers_.values[i] = buffers_.values[first[i]];
  }
  count_ = kept;
  FindMax();
}

template <class Before>
void SamplerChain::KeepFirst(int64_t ranked, double enough, Before before) {
  int32_t* const first = buffers_.order;
  int32_t* last = first + ranked;
  const auto after = [&](int32_t a, int32_t b) { return before(b, a); };  // a heap's top is the first in rank
  std::make_heap(first, last, after);
  double sum = 0;
  do {
    std::pop_heap(first, last--, after);
    sum += Weight(*last);
  } while (last != first && sum < enough);
  KeepIndices(last, first + ranked - last);
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
  KeepIndices(buffers_.order, k);
}

void SamplerChain::KeepTypical(double mass) {
  const double total = Weigh();
  const double log_total = std::log(total);
  const double entropy = Entropy(total);
  for (int64_t i = 0; i < count_; ++i) buffers_.order[i] = static_cast<int32_t>(i);
  const float* const values = buffers_.values;
  KeepFirst(count_, mass * total, [&](int32_t a, int32_t b) {
    if (values[a] == values[b]) return a < b;
    const double near_a = std::abs(Nats(a, log_total) - entropy);
    const double near_b = std::abs(Nats(b, log_total) - entropy);
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
