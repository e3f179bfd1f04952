// Sampling as it is meant, in double; the samplers themselves are in backend/ref/samplers.h. Where ops.h leaves a
// choice, this is the choice:
//  - A NaN logit counts as -infinity, +infinity as the largest float.
//  - Bias and bad words come first, then the samplers in their order.
//  - Temperature 0 is greedy: of the samplers only penalties and DRY count, and mirostat's state stays as it is.
//  - XTC acts where UniformAt(seed, choice, position, 1) is below its probability.
//  - When no token has a finite logit: the lowest id that neither a bias nor a bad word bans, or 0 when all are banned.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/ops.h"
#include "backend/ref/samplers.h"
#include "backend/ref/slot_state.h"

namespace spate::ref {

// logits [vocab] after bias and bad words; never NaN nor +infinity. A bad word bans its last token where the tokens so
// far, those of the prompt too, end with all before it.
std::vector<double> AdjustedLogits(std::span<const float> logits, const SampleArgs& args, const SlotState& slot);

// The distribution that a token is drawn from: [vocab], sums to 1, 0 = filtered out. Greedy is a single 1.
std::vector<double> Probabilities(std::span<const float> logits, const SampleArgs& args, const SlotState& slot);

// Inverse of the distribution function in ascending order of id: the first token whose cumulative
// probability exceeds u, which is in [0, 1).
int32_t Draw(std::span<const double> probabilities, double u);

// All of it for one row, without the slot's update.
SampleResult SampleRow(std::span<const float> logits, const SampleArgs& args, const SlotState& slot);

}  // namespace spate::ref
