#include "engine/sampler_plan.h"

#include <algorithm>

namespace spate {
namespace {

// A temperature below this is taken for its limit, 0: dividing by it could only overflow.
constexpr float kGreedyBelow = 1e-5f;

// Whether a sampler that is among the request's would change anything.
bool Acts(SamplerStep step, const SamplingParams& p) {
  switch (step) {
    case SamplerStep::kPenalties:
      return p.repetition_penalty != 1.f || p.presence_penalty != 0.f || p.frequency_penalty != 0.f;
    case SamplerStep::kDry:
      return p.dry_multiplier > 0 && p.dry_last_n != 0;
    case SamplerStep::kTopNSigma:
      return p.top_n_sigma > 0;
    case SamplerStep::kTemperature:
      return p.temperature != 1.f || p.dynatemp_range > 0;
    case SamplerStep::kTopK:
      return p.top_k > 0;
    case SamplerStep::kTypicalP:
      return p.typical_p < 1;
    case SamplerStep::kTopP:
      return p.top_p < 1;
    case SamplerStep::kMinP:
      return p.min_p > 0;
    case SamplerStep::kXtc:
      return p.xtc_probability > 0;
  }
  return false;
}

bool IsUsual(SamplerStep step) {
  return step != SamplerStep::kDry && step != SamplerStep::kTopNSigma && step != SamplerStep::kTypicalP &&
         step != SamplerStep::kXtc;
}

}  // namespace

SamplerPlan::SamplerPlan(const SamplingParams& p) {
  std::vector<SamplerStep> steps;
  for (const SamplerStep step : p.samplers) {
    if (Acts(step, p)) steps.push_back(step);
  }
  const auto has = [&](SamplerStep step) { return std::find(steps.begin(), steps.end(), step) != steps.end(); };
  usual_.temperature = !has(SamplerStep::kTemperature) ? 1.f : p.temperature < kGreedyBelow ? 0.f : p.temperature;
  if (usual_.temperature == 0) {  // greedy asks no filter
    std::erase_if(steps, [](SamplerStep step) { return step != SamplerStep::kPenalties && step != SamplerStep::kDry; });
  }
  if (has(SamplerStep::kTopK)) usual_.top_k = p.top_k;
  if (has(SamplerStep::kTopP)) usual_.top_p = p.top_p;
  if (has(SamplerStep::kMinP)) usual_.min_p = p.min_p;
  counts_ = has(SamplerStep::kPenalties);
  if (counts_) {
    usual_.repetition_penalty = p.repetition_penalty;
    usual_.presence_penalty = p.presence_penalty;
    usual_.frequency_penalty = p.frequency_penalty;
  }

  for (const std::vector<int32_t>& word : p.bad_words_ids) {
    if (word.size() == 1) {
      bans_.push_back(word[0]);
    } else {
      bad_words_.insert(bad_words_.end(), word.begin(), word.end());
      bad_word_ends_.push_back(static_cast<int32_t>(bad_words_.size()));
    }
  }
  remembers_ = has(SamplerStep::kDry) || !bad_words_.empty();

  const bool dynamic = has(SamplerStep::kTemperature) && p.dynatemp_range > 0;
  const bool mirostat = p.mirostat != 0 && usual_.temperature > 0;
  // The steps are listed in their default order, so an ascending list is in that order.
  const bool usual = std::all_of(steps.begin(), steps.end(), IsUsual) && std::is_sorted(steps.begin(), steps.end());
  if (usual && !remembers_ && !dynamic && !mirostat) return;

  SamplerExtras& extras = extras_.emplace();
  extras.step_count = static_cast<int32_t>(steps.size());
  std::copy(steps.begin(), steps.end(), extras.steps);
  extras.dry_multiplier = p.dry_multiplier;
  extras.dry_base = p.dry_base;
  extras.dry_allowed_length = p.dry_allowed_length;
  extras.dry_last_n = p.dry_last_n;
  breakers_ = p.dry_breaker_ids;
  std::sort(breakers_.begin(), breakers_.end());
  extras.dry_breakers = breakers_.data();
  extras.dry_breaker_count = static_cast<int32_t>(breakers_.size());
  extras.top_n_sigma = p.top_n_sigma;
  extras.typical_p = p.typical_p;
  extras.xtc_probability = p.xtc_probability;
  extras.xtc_threshold = p.xtc_threshold;
  extras.dynatemp_range = dynamic ? p.dynatemp_range : 0.f;
  extras.dynatemp_exponent = p.dynatemp_exponent;
  extras.mirostat = mirostat;
  extras.mirostat_tau = p.mirostat_tau;
  extras.mirostat_eta = p.mirostat_eta;
  extras.bad_words = bad_words_.data();
  extras.bad_word_ends = bad_word_ends_.data();
  extras.bad_word_count = static_cast<int32_t>(bad_word_ends_.size());
}

void SamplerPlan::Fill(SampleArgs& args) const {
  args.temperature = usual_.temperature;
  args.top_k = usual_.top_k;
  args.top_p = usual_.top_p;
  args.min_p = usual_.min_p;
  args.repetition_penalty = usual_.repetition_penalty;
  args.presence_penalty = usual_.presence_penalty;
  args.frequency_penalty = usual_.frequency_penalty;
}

// The paper starts at twice the target.
float SamplerPlan::FirstMu() const { return extras_ && extras_->mirostat ? 2 * extras_->mirostat_tau : 0.f; }

}  // namespace spate
