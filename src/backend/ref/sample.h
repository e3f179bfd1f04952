// Sampling as it is meant, in double. Where ops.h leaves a choice, this is the choice:
//  - A NaN logit counts as -infinity, +infinity as the largest float.
//  - Repetition penalty first, then presence and frequency.
//  - Ties, in every filter and in greedy: the lowest id is the more probable one.
//  - top-p looks at the probabilities after temperature and top-k; min-p drops what is below min_p times
//    the largest of them. The most probable token always survives.
//  - When no token has a finite logit: the lowest id that no bias bans, or 0 when all are banned.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/ops.h"

namespace spate::ref {

// What a slot remembers of the tokens so far.
struct SlotState {
  int32_t last_token = -1;         // -1: none sampled yet
  bool tracked = false;            // the rest is empty unless tracked
  std::vector<uint8_t> in_prompt;  // [vocab] 0 or 1
  std::vector<int32_t> in_output;  // [vocab] occurrences
};

// logits [vocab] after bias and penalties; never NaN nor +infinity.
std::vector<double> AdjustedLogits(std::span<const float> logits, const SampleArgs& args, const SlotState& slot);

// The distribution that a token is drawn from: [vocab], sums to 1, 0 = filtered out. Greedy is a single 1.
std::vector<double> Probabilities(std::span<const double> adjusted, const SampleArgs& args);

// Inverse of the distribution function in ascending order of id: the first token whose cumulative
// probability exceeds u, which is in [0, 1).
int32_t Draw(std::span<const double> probabilities, double u);

// All of it for one row, without the slot's update.
SampleResult SampleRow(std::span<const float> logits, const SampleArgs& args, const SlotState& slot);

}  // namespace spate::ref
