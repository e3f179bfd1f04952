#include "backend/cpu/expert_choice.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"

namespace spate::cpu {

void ChooseExperts(const FfnSpec& spec, const float* logits, int32_t* chosen, float* weights) noexcept {
  const auto key = [&](int e) { return std::isnan(logits[e]) ? -std::numeric_limits<float>::infinity() : logits[e]; };
  int count = 0;
  for (int e = 0; e < spec.experts; ++e) {
    if (count == spec.active && !(key(e) > key(chosen[count - 1]))) continue;
    int place = count < spec.active ? count++ : count - 1;
    for (; place > 0 && key(e) > key(chosen[place - 1]); --place) chosen[place] = chosen[place - 1];
    chosen[place] = e;
  }

  const double max = logits[chosen[0]];
  const auto weigh = [&](int e) { return std::exp(static_cast<double>(logits[e]) - max); };
  double sum = 0;
  if (spec.renormalize) {
    for (int i = 0; i < spec.active; ++i) sum += weigh(chosen[i]);
  } else {
    for (int e = 0; e < spec.experts; ++e) sum += weigh(e);
  }
  for (int i = 0; i < spec.active; ++i) weights[i] = static_cast<float>(weigh(chosen[i]) / sum);
}

ExpertGroups::ExpertGroups(int64_t max_tokens, int max_experts, int max_active)
    : next_(static_cast<size_t>(max_experts)),
      groups_(static_cast<size_t>(max_experts)),
      row_of_(static_cast<size_t>(max_tokens * max_active)) {}

void ExpertGroups::Reset(std::span<const int32_t> chosen, int experts) noexcept {
  CHECK(static_cast<size_t>(experts) <= next_.size() && chosen.size() <= row_of_.size(),
        "{} experts and {} rows were not planned", experts, chosen.size());
  std::fill_n(next_.begin(), experts, 0);
  for (const int32_t e : chosen) ++next_[static_cast<size_t>(e)];
  count_ = 0;
  int begin = 0;
  for (int e = 0; e < experts; ++e) {
    int& next = next_[static_cast<size_t>(e)];
    if (next > 0) groups_[count_++] = {.expert = e, .begin = begin, .rows = next};
    begin += std::exchange(next, begin);
  }
  for (size_t i = 0; i < chosen.size(); ++i) row_of_[i] = next_[static_cast<size_t>(chosen[i])]++;
}

}  // namespace spate::cpu
