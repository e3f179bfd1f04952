#include "backend/cpu/cpu_sample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/check.h"
#include "base/math_util.h"
#include "base/rng.h"

namespace spate::cpu {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr int64_t kDrawBlock = 512;  // logits whose weights are summed before the draw looks inside

float Sanitized(double value) {
  if (std::isnan(value)) return -kInfinity;
  return static_cast<float>(std::min(value, static_cast<double>(kLargest)));
}

float Factor(float temperature) { return std::min(1.0f / temperature, kLargest); }

// Steps that narrow down the weight at which top-p cuts: from 126 powers of two to a ratio of 1.0013.
constexpr int kBisections = 16;

// Rank of candidates by their indices, which ascend with the ids: larger value first, lower id first among equals.
struct Before {
  const float* values;
  bool operator()(int32_t a, int32_t b) const { return values[a] > values[b] || (values[a] == values[b] && a < b); }
};
// For heaps whose top is the first in rank.
struct After {
  const float* values;
  bool operator()(int32_t a, int32_t b) const { return Before{values}(b, a); }
};

}  // namespace

Sampler::Sampler(const OpsConfig& config, const RowKernels& kernels, ThreadPool& pool)
    : kernels_(kernels),
      pool_(pool),
      vocab_(config.vocab),
      max_context_(config.max_context),
      slots_(static_cast<size_t>(config.slots)),
      scratch_(static_cast<size_t>(std::clamp(config.max_outputs, 1, pool.threads()))) {
  const size_t vocab = static_cast<size_t>(vocab_);
  for (Scratch& scratch : scratch_) {
    for (std::vector<float>* floats : {&scratch.adjusted, &scratch.values, &scratch.weights}) floats->resize(vocab);
    for (std::vector<int32_t>* ids : {&scratch.candidates, &scratch.order}) ids->resize(vocab);
    scratch.maxima.resize(CeilDiv(vocab, size_t{kMaximaBlock}));
    scratch.sums.resize(CeilDiv(vocab, size_t{kDrawBlock}));
  }
}

int32_t Sampler::LastToken(int slot) const {
  CHECK(slot >= 0 && static_cast<size_t>(slot) < slots_.size(), "slot {} of {}", slot, slots_.size());
  const int32_t token = slots_[static_cast<size_t>(slot)].last_token;
  CHECK(token >= 0, "slot {} has no token yet", slot);
  return token;
}

void Sampler::Count(Slot& slot, int32_t id, int32_t by) {
  CHECK(id >= 0 && id < vocab_, "token {} of {}", id, vocab_);
  int32_t& count = slot.counts[static_cast<size_t>(id)];
  if (count == 0) slot.touched.push_back(id);
  count = by == 1 ? count | 1 : count + by;
}

void Sampler::SetSlot(const SlotStart& start) {
  CHECK(start.slot >= 0 && static_cast<size_t>(start.slot) < slots_.size(), "slot {} of {}", start.slot, slots_.size());
  Slot& state = slots_[static_cast<size_t>(start.slot)];
  state.tracked = start.track;
  state.mirostat_mu = start.mirostat_mu;
  Remember(state, start);
  for (const int32_t id : state.touched) state.counts[static_cast<size_t>(id)] = 0;
  state.touched.clear();
  if (!start.track) return;
  state.counts.resize(static_cast<size_t>(vocab_));
  // As many different tokens as the sequence can have: Sample allocates nothing.
  const size_t most = std::max(start.prompt.size() + start.output.size(), static_cast<size_t>(max_context_)) + 1;
  state.touched.reserve(std::min(static_cast<size_t>(vocab_), most));
  for (const int32_t id : start.prompt) Count(state, id, 1);
  for (const int32_t id : start.output) Count(state, id, 2);
}

void Sampler::Remember(Slot& slot, const SlotStart& start) {
  slot.remembers = start.remember;
  slot.tokens.clear();
  if (!start.remember) return;
  const size_t size = start.prompt.size() + start.output.size();
  const size_t most = std::max(size, static_cast<size_t>(max_context_)) + 1;  // Sample allocates nothing
  slot.tokens.reserve(most);
  for (const std::span<const int32_t> part : {start.prompt, start.output}) {
    slot.tokens.insert(slot.tokens.end(), part.begin(), part.end());
  }
  for (Scratch& scratch : scratch_) {
    if (scratch.matches.size() < most) scratch.matches.resize(most);
    scratch.repeated.resize(static_cast<size_t>(vocab_));
  }
}

void Sampler::Update(const SampleArgs& args, const SampleResult& result) {
  Slot& slot = slots_[static_cast<size_t>(args.slot)];
  slot.last_token = result.token;
  if (slot.tracked) Count(slot, result.token, 2);
  if (slot.remembers) slot.tokens.push_back(result.token);
  if (args.extras != nullptr) slot.mirostat_mu = result.mirostat_mu;
}

// Two rows of a slot that remembers anything: the second reads what the first has drawn.
bool Sampler::HasSharedSlot(const Batch& batch) {
  ++step_;
  bool shared = false;
  for (int i = 0; i < batch.outputs; ++i) {
    const int32_t id = batch.sample[i].slot;
    CHECK(id >= 0 && static_cast<size_t>(id) < slots_.size(), "slot {} of {}", id, slots_.size());
    Slot& slot = slots_[static_cast<size_t>(id)];
    const SamplerExtras* extras = batch.sample[i].extras;
    const bool remembers = slot.tracked || slot.remembers || (extras != nullptr && extras->mirostat);
    shared = shared || (remembers && slot.step == step_);
    slot.step = step_;
  }
  return shared;
}

void Sampler::Sample(const Batch& batch, const Mat& logits, std::span<SampleResult> results) {
  CHECK(logits.rows == batch.outputs && logits.cols == vocab_, "logits [{}, {}], expected [{}, {}]", logits.rows,
        logits.cols, batch.outputs, vocab_);
  CHECK(results.size() == static_cast<size_t>(batch.outputs) && (batch.outputs == 0 || batch.sample != nullptr));
  const auto sample = [&](int row, int thread) {
    const float* values = static_cast<const float*>(logits.data) + row * logits.stride;
    results[static_cast<size_t>(row)] = SampleRow(values, batch.sample[row], scratch_[static_cast<size_t>(thread)]);
  };
  const auto update = [&](int row) { Update(batch.sample[row], results[static_cast<size_t>(row)]); };
  if (HasSharedSlot(batch)) {
    for (int row = 0; row < batch.outputs; ++row) {
      sample(row, 0);
      update(row);
    }
    return;
  }
  const int64_t threads = static_cast<int64_t>(scratch_.size());
  if (threads == 1 || batch.outputs <= 1) {
    for (int row = 0; row < batch.outputs; ++row) sample(row, 0);
  } else {
    pool_.ParallelFor(0, batch.outputs, CeilDiv(int64_t{batch.outputs}, 8 * threads),
                      [&](int64_t begin, int64_t end, int thread) {
                        for (int64_t row = begin; row < end; ++row) sample(static_cast<int>(row), thread);
                      });
  }
  for (int row = 0; row < batch.outputs; ++row) update(row);
}

SampleResult Sampler::SampleRow(const float* logits, const SampleArgs& args, Scratch& scratch) const {
  SampleResult result;
  if (args.extras != nullptr) {
    SampleExtras(logits, args, scratch, result);
    if (args.top_logprobs >= 0) SetLogProbabilities(logits, args.top_logprobs, scratch, result);
    return result;
  }
  const float* x = Adjust(logits, args, slots_[static_cast<size_t>(args.slot)], scratch);
  const RowKernels::Best best = kernels_.best(x, vocab_);
  if (best.value == -kInfinity) {
    result.no_logits = kernels_.best(logits, vocab_).value == -kInfinity;
    result.token = LowestNotBanned(args, slots_[static_cast<size_t>(args.slot)], scratch);
  } else if (args.temperature <= 0) {
    result.token = static_cast<int32_t>(best.index);
  } else {
    const double u = static_cast<double>(UniformAt(args.seed, args.choice, static_cast<uint64_t>(args.position), 0));
    const bool all = (args.top_k <= 0 || args.top_k >= vocab_) && args.top_p >= 1;
    result.token = all ? DrawAll(x, best.value, args, u, scratch) : DrawCandidates(x, best.value, args, u, scratch);
  }
  if (args.top_logprobs >= 0) SetLogProbabilities(logits, args.top_logprobs, scratch, result);
  return result;
}

const float* Sampler::Adjust(const float* logits, const SampleArgs& args, const Slot& slot, Scratch& scratch) const {
  const bool penalties = slot.tracked && args.extras == nullptr &&
                         (args.repetition_penalty != 1 || args.presence_penalty != 0 || args.frequency_penalty != 0);
  if (args.bias_count == 0 && !penalties) return logits;
  float* adjusted = scratch.adjusted.data();
  std::copy_n(logits, vocab_, adjusted);
  const auto logit = [&](int32_t id) { return static_cast<double>(Sanitized(static_cast<double>(adjusted[id]))); };
  for (int32_t i = 0; i < args.bias_count; ++i) {
    const TokenBias& bias = args.bias[i];
    CHECK(bias.id >= 0 && bias.id < vocab_, "bias of token {}", bias.id);
    adjusted[bias.id] = Sanitized(logit(bias.id) + static_cast<double>(bias.bias));
  }
  if (!penalties) return adjusted;
  const double repetition = static_cast<double>(args.repetition_penalty);
  for (const int32_t id : slot.touched) {
    const int32_t occurrences = slot.counts[static_cast<size_t>(id)] / 2;
    double value = logit(id);
    value = value > 0 ? value / repetition : value * repetition;
    if (occurrences > 0) value -= static_cast<double>(args.presence_penalty);
    adjusted[id] = Sanitized(value - static_cast<double>(args.frequency_penalty) * occurrences);
  }
  return adjusted;
}

// Every token, or those that min-p leaves.
int32_t Sampler::DrawAll(const float* x, float max, const SampleArgs& args, double u, Scratch& scratch) const {
  const float factor = Factor(args.temperature);
  const float floor = std::min(args.min_p, 1.0f);
  const int64_t blocks = CeilDiv(int64_t{vocab_}, kDrawBlock);
  const auto size = [&](int64_t block) { return std::min(kDrawBlock, vocab_ - block * kDrawBlock); };
  double total = 0;
  for (int64_t b = 0; b < blocks; ++b) {
    scratch.sums[static_cast<size_t>(b)] = kernels_.weigh(x + b * kDrawBlock, size(b), max, factor, floor, nullptr);
    total += scratch.sums[static_cast<size_t>(b)];
  }
  const double target = u * total;
  double cumulative = 0;
  int64_t block = 0;
  int64_t last = 0;  // block with any weight
  for (; block < blocks; ++block) {
    const double sum = scratch.sums[static_cast<size_t>(block)];
    if (sum > 0) last = block;
    if (cumulative + sum > target) break;
    cumulative += sum;
  }
  if (block == blocks) block = last;
  const float* values = x + block * kDrawBlock;
  kernels_.weigh(values, size(block), max, factor, floor, scratch.weights.data());
  int64_t token = 0;
  for (int64_t i = 0; i < size(block); ++i) {
    const float weight = scratch.weights[static_cast<size_t>(i)];
    if (weight <= 0) continue;
    token = i;
    cumulative += static_cast<double>(weight);
    if (cumulative > target) break;
  }
  return static_cast<int32_t>(block * kDrawBlock + token);
}

// Candidates: ids that hold the `count` largest values, and perhaps some more. Returns how many.
int64_t Sampler::CollectLargest(const float* x, int64_t count, Scratch& scratch) const {
  float threshold = -kLargest;
  if (count <= static_cast<int64_t>(scratch.maxima.size())) {
    // At least `count` values are not below the count-th largest of the blocks' largest.
    kernels_.block_maxima(x, vocab_, scratch.maxima.data());
    const auto nth = scratch.maxima.begin() + (count - 1);
    std::nth_element(scratch.maxima.begin(), nth, scratch.maxima.end(), std::greater<>());
    threshold = std::clamp(*nth, -kLargest, kLargest);
  }
  return kernels_.collect(x, vocab_, threshold, scratch.candidates.data());
}

// Candidates: ids that weigh at least (1 - share) / vocab of the total. All others weigh less than 1 - share of it
// together, so that the most probable tokens with `share` of it are among the candidates.
int64_t Sampler::CollectHeaviest(const float* x, float max, float factor, double total, double share,
                                 Scratch& scratch) const {
  const double least = std::max((1 - share) * total / vocab_, 1e-300);
  // A little less, for the rounding of weights; weights are 0 from e^-88 on, and those are never needed.
  const double distance = std::max(std::log(least) - 1e-3, -88.0) / static_cast<double>(factor);
  const double threshold = std::max(static_cast<double>(max) + distance, static_cast<double>(-kLargest));
  return kernels_.collect(x, vocab_, std::min(static_cast<float>(threshold), max), scratch.candidates.data());
}

void Sampler::LoadValues(const float* x, int64_t candidates, Scratch& scratch) const {
  for (int64_t i = 0; i < candidates; ++i) {
    scratch.values[static_cast<size_t>(i)] = std::min(x[scratch.candidates[static_cast<size_t>(i)]], kLargest);
  }
}

// Weighs nothing any more: all candidates but the `count` first in rank.
void Sampler::KeepLargest(int64_t candidates, int64_t count, Scratch& scratch) const {
  if (count >= candidates) return;
  const auto first = scratch.order.begin();
  std::iota(first, first + candidates, 0);
  const Before before{scratch.values.data()};
  std::nth_element(first, first + count, first + candidates, before);
  for (auto i = first + count; i != first + candidates; ++i) scratch.weights[static_cast<size_t>(*i)] = 0;
}

// Weighs nothing any more: all candidates behind the first in rank that reach `enough` together.
void Sampler::KeepNucleus(int64_t candidates, double enough, Scratch& scratch) const {
  float* weights = scratch.weights.data();
  // The last token of the nucleus weighs at least `low` and less than `high`.
  float high = 2;
  double heavier = 0;  // sum from `high` on
  float low = std::numeric_limits<float>::min();
  for (int i = 0; i < kBisections; ++i) {
    const float middle = std::sqrt(low * std::min(high, 1.0f));
    const double sum = kernels_.sum_at_least(weights, candidates, middle);
    if (sum >= enough) {
      low = middle;
    } else {
      high = middle;
      heavier = sum;
    }
  }
  int64_t between = 0;
  for (int64_t i = 0; i < candidates; ++i) {
    if (weights[i] >= high) continue;
    if (weights[i] >= low) {
      scratch.order[static_cast<size_t>(between++)] = static_cast<int32_t>(i);
    } else {
      weights[i] = 0;
    }
  }
  const auto first = scratch.order.begin();
  auto last = first + between;
  const After after{scratch.values.data()};
  std::make_heap(first, last, after);
  // The most probable token stays in any case.
  for (bool any = high <= 1; last != first && (!any || heavier < enough); any = true) {
    std::pop_heap(first, last--, after);
    heavier += static_cast<double>(weights[*last]);
  }
  for (; last != first; --last) weights[*(last - 1)] = 0;
}

int32_t Sampler::DrawCandidates(const float* x, float max, const SampleArgs& args, double u, Scratch& scratch) const {
  const float factor = Factor(args.temperature);
  const double share = static_cast<double>(args.top_p);
  const bool by_rank = args.top_k > 0 && args.top_k < vocab_;
  const float* weights = scratch.weights.data();
  int64_t candidates = 0;
  double enough = 0;
  if (by_rank) {
    candidates = CollectLargest(x, args.top_k, scratch);
  } else {
    const double total = kernels_.weigh(x, vocab_, max, factor, 0, nullptr);
    enough = share * total;
    candidates = CollectHeaviest(x, max, factor, total, share, scratch);
  }
  LoadValues(x, candidates, scratch);
  kernels_.weigh(scratch.values.data(), candidates, max, factor, 0, scratch.weights.data());
  if (by_rank) {
    KeepLargest(candidates, args.top_k, scratch);
    enough = share * kernels_.sum_at_least(weights, candidates, 0);
  }
  if (args.top_p < 1) KeepNucleus(candidates, enough, scratch);

  const float floor = std::min(args.min_p, 1.0f);
  const double target = u * kernels_.sum_at_least(weights, candidates, floor);
  double cumulative = 0;
  int64_t drawn = 0;
  for (int64_t i = 0; i < candidates; ++i) {
    if (weights[i] <= 0 || weights[i] < floor) continue;
    drawn = i;
    cumulative += static_cast<double>(weights[i]);
    if (cumulative > target) break;
  }
  return scratch.candidates[static_cast<size_t>(drawn)];
}

void Sampler::SetLogProbabilities(const float* logits, int32_t wanted, Scratch& scratch, SampleResult& result) const {
  const RowKernels::Best best = kernels_.best(logits, vocab_);
  if (best.value == -kInfinity) {
    result.logprob = -kInfinity;
    return;
  }
  const double log_sum = std::log(kernels_.weigh(logits, vocab_, best.value, 1, 0, nullptr));
  const auto log_probability = [&](float logit) {
    const float value = Sanitized(static_cast<double>(logit));
    return static_cast<float>(static_cast<double>(value) - static_cast<double>(best.value) - log_sum);
  };
  result.logprob = log_probability(logits[result.token]);
  const int32_t count = std::min({wanted, kMaxTopLogprobs, vocab_});
  if (count == 0) return;
  const int64_t candidates = CollectLargest(logits, count, scratch);
  LoadValues(logits, candidates, scratch);
  const auto first = scratch.order.begin();
  auto last = first + candidates;
  std::iota(first, last, 0);
  const After after{scratch.values.data()};
  std::make_heap(first, last, after);
  while (result.top_count < count && last != first) {
    std::pop_heap(first, last--, after);
    const size_t index = static_cast<size_t>(*last);
    result.top_ids[result.top_count] = scratch.candidates[index];
    result.top_logprobs[result.top_count] = log_probability(scratch.values[index]);
    ++result.top_count;
  }
}

}  // namespace spate::cpu
