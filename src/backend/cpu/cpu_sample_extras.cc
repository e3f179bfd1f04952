// Sampler: rows with SamplerExtras, and what remains when everything is banned.
#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/cpu/cpu_sample.h"
#include "base/check.h"
#include "base/rng.h"

namespace spate::cpu {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr double kLargestDryPenalty = 1e30;

// Calls ban(id) for every id whose choice would complete a bad word.
template <class Ban>
void ForEachBan(const SamplerExtras& extras, std::span<const int32_t> tokens, Ban ban) {
  int32_t begin = 0;
  for (int32_t w = 0; w < extras.bad_word_count; ++w) {
    const int32_t last = extras.bad_word_ends[w] - 1;
    const size_t before = static_cast<size_t>(last - begin);
    const int32_t* const word = extras.bad_words + begin;
    if (tokens.size() >= before && std::equal(word, word + before, tokens.end() - static_cast<ptrdiff_t>(before))) {
      ban(extras.bad_words[last]);
    }
    begin = last + 1;
  }
}

// matches[k] = how many of the last tokens stand, in the same order, before the last k: the Z-function of the reversed
// tokens, in linear time (Gusfield, "Algorithms on Strings, Trees and Sequences", 1.4).   matches [tokens]
void FindMatches(std::span<const int32_t> tokens, int32_t* matches) {
  const int32_t size = static_cast<int32_t>(tokens.size());
  const auto reversed = [&](int32_t i) { return tokens[static_cast<size_t>(size - 1 - i)]; };
  int32_t left = 0, right = 0;  // [left, right) matches the beginning, with the largest right so far
  for (int32_t k = 1; k < size; ++k) {
    int32_t length = k < right ? std::min(right - k, matches[k - left]) : 0;
    while (k + length < size && reversed(length) == reversed(k + length)) ++length;
    matches[k] = length;
    if (k + length > right) {
      left = k;
      right = k + length;
    }
  }
}

}  // namespace

void Sampler::SampleExtras(const float* logits, const SampleArgs& args, Scratch& scratch, SampleResult& result) const {
  const SamplerExtras& extras = *args.extras;
  const Slot& slot = slots_[static_cast<size_t>(args.slot)];
  result.mirostat_mu = slot.mirostat_mu;
  const float* x = Adjust(logits, args, slot, scratch);
  ForEachBan(extras, slot.tokens, [&](int32_t id) {
    CHECK(id >= 0 && id < vocab_, "bad word with token {}", id);
    if (x == logits) {
      std::copy_n(logits, vocab_, scratch.adjusted.data());
      x = scratch.adjusted.data();
    }
    scratch.adjusted[static_cast<size_t>(id)] = -kInfinity;
  });
  SamplerChain chain(kernels_,
                     {scratch.candidates.data(), scratch.values.data(), scratch.weights.data(), scratch.order.data()},
                     x, vocab_);
  if (chain.empty()) {
    result.no_logits = kernels_.best(logits, vocab_).value == -kInfinity;
    result.token = LowestNotBanned(args, slot, scratch);
    return;
  }
  const bool greedy = args.temperature <= 0;
  for (int32_t i = 0; i < extras.step_count; ++i) {
    const SamplerStep step = extras.steps[i];
    const bool always = step == SamplerStep::kPenalties || step == SamplerStep::kDry;
    if (always || !greedy) Apply(step, args, slot, scratch, chain);
  }
  if (greedy) {
    result.token = chain.Best();
    return;
  }
  const double u = static_cast<double>(UniformAt(args.seed, args.choice, static_cast<uint64_t>(args.position), 0));
  if (!extras.mirostat) {
    result.token = chain.Draw(u).id;
    return;
  }
  const SamplerChain::Drawn drawn = chain.DrawMirostat(u, static_cast<double>(slot.mirostat_mu));
  result.token = drawn.id;
  const double error = drawn.bits - static_cast<double>(extras.mirostat_tau);
  result.mirostat_mu =
      static_cast<float>(static_cast<double>(slot.mirostat_mu) - static_cast<double>(extras.mirostat_eta) * error);
}

int32_t Sampler::LowestNotBanned(const SampleArgs& args, const Slot& slot, Scratch& scratch) const {
  float* banned = scratch.adjusted.data();
  std::fill_n(banned, vocab_, 0.0f);
  for (int32_t i = 0; i < args.bias_count; ++i) {
    if (args.bias[i].bias == -kInfinity) banned[args.bias[i].id] = 1;
  }
  if (args.extras != nullptr) ForEachBan(*args.extras, slot.tokens, [&](int32_t id) { banned[id] = 1; });
  const float* free = std::find(banned, banned + vocab_, 0.0f);
  return free == banned + vocab_ ? 0 : static_cast<int32_t>(free - banned);
}

void Sampler::Apply(SamplerStep step, const SampleArgs& args, const Slot& slot, Scratch& scratch,
                    SamplerChain& chain) const {
  const SamplerExtras& extras = *args.extras;
  switch (step) {
    case SamplerStep::kPenalties:
      return Penalize(args, slot, chain);
    case SamplerStep::kDry:
      if (extras.dry_multiplier > 0) SuppressRepetition(extras, slot, scratch, chain);
      return;
    case SamplerStep::kTopNSigma:
      if (extras.top_n_sigma > 0) chain.KeepTopNSigma(static_cast<double>(extras.top_n_sigma));
      return;
    case SamplerStep::kTemperature:
      if (extras.dynatemp_range > 0) {
        return chain.TemperByEntropy(static_cast<double>(args.temperature), static_cast<double>(extras.dynatemp_range),
                                     static_cast<double>(extras.dynatemp_exponent));
      }
      return chain.Temper(static_cast<double>(args.temperature));
    case SamplerStep::kTopK:
      if (args.top_k > 0) chain.KeepTopK(args.top_k);
      return;
    case SamplerStep::kTypicalP:
      if (extras.typical_p < 1) chain.KeepTypical(static_cast<double>(extras.typical_p));
      return;
    case SamplerStep::kTopP:
      if (args.top_p < 1) chain.KeepTopP(static_cast<double>(args.top_p));
      return;
    case SamplerStep::kMinP:
      if (args.min_p > 0) chain.KeepMinP(args.min_p);
      return;
    case SamplerStep::kXtc:
      if (UniformAt(args.seed, args.choice, static_cast<uint64_t>(args.position), 1) < extras.xtc_probability) {
        chain.ExcludeTopChoices(static_cast<double>(extras.xtc_threshold));
      }
      return;
  }
  CHECK(false, "sampler {}", static_cast<int>(step));
}

void Sampler::Penalize(const SampleArgs& args, const Slot& slot, SamplerChain& chain) const {
  if (!slot.tracked) return;
  const double repetition = static_cast<double>(args.repetition_penalty);
  chain.ChangeLogits([&](int32_t id, double value) {
    const int32_t count = slot.counts[static_cast<size_t>(id)];
    if (count == 0) return value;
    const int32_t occurrences = count / 2;
    value = value > 0 ? value / repetition : value * repetition;
    if (occurrences > 0) value -= static_cast<double>(args.presence_penalty);
    return value - static_cast<double>(args.frequency_penalty) * occurrences;
  });
}

void Sampler::SuppressRepetition(const SamplerExtras& extras, const Slot& slot, Scratch& scratch,
                                 SamplerChain& chain) const {
  std::span<const int32_t> tokens = slot.tokens;
  if (extras.dry_last_n >= 0 && tokens.size() > static_cast<size_t>(extras.dry_last_n)) {
    tokens = tokens.last(static_cast<size_t>(extras.dry_last_n));
  }
  const int32_t size = static_cast<int32_t>(tokens.size());
  const auto breaks = [&](int32_t id) {
    return std::binary_search(extras.dry_breakers, extras.dry_breakers + extras.dry_breaker_count, id);
  };
  int32_t most = 0;  // last tokens up to a breaker
  while (most < std::min(size, kDryLongestMatch) && !breaks(tokens[static_cast<size_t>(size - 1 - most)])) ++most;
  if (most < extras.dry_allowed_length) return;

  CHECK(tokens.size() <= scratch.matches.size(), "{} tokens, planned for {}", tokens.size(), scratch.matches.size());
  FindMatches(tokens, scratch.matches.data());
  int32_t* const repeated = scratch.order.data();  // ids
  int64_t count = 0;
  for (int32_t k = 1; k < size; ++k) {
    const int32_t length = std::min(scratch.matches[static_cast<size_t>(k)], most);
    const int32_t next = tokens[static_cast<size_t>(size - k)];
    if (length < extras.dry_allowed_length || breaks(next)) continue;
    uint8_t& longest = scratch.repeated[static_cast<size_t>(next)];
    if (longest == 0) repeated[count++] = next;
    longest = std::max(longest, static_cast<uint8_t>(length));
  }
  if (count == 0) return;
  chain.ChangeLogits([&](int32_t id, double value) {
    const int32_t length = scratch.repeated[static_cast<size_t>(id)];
    if (length == 0) return value;
    const double penalty = static_cast<double>(extras.dry_multiplier) *
                           std::pow(static_cast<double>(extras.dry_base), length - extras.dry_allowed_length);
    return value - std::min(penalty, kLargestDryPenalty);
  });
  for (int64_t i = 0; i < count; ++i) scratch.repeated[static_cast<size_t>(repeated[i])] = 0;
}

}  // namespace spate::cpu
