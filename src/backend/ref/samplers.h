// The samplers, one function each, as they are meant, in double. Where a source leaves a choice, this is the choice.
//
// All take the tokens that are left, the most probable first and of equals the one with the lower id, and keep that
// order. None leaves an empty list, and penalised logits stay within the range of a float. Probabilities are always
// those among the tokens that are left: softmax of their logits, after whatever scaled them before. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/ops.h"
#include "backend/ref/slot_state.h"

namespace spate::ref {

struct Candidate {
  int32_t id = 0;
  double logit = 0;  // finite
};
using Candidates = std::vector<Candidate>;

// Softmax, in their order; sums to 1.
std::vector<double> Softmax(std::span<const Candidate> candidates);
// -ln of it, finite also where a probability underflows.
std::vector<double> Surprise(std::span<const Candidate> candidates);

// Repetition (arXiv 1909.05858): tokens of prompt or output, logit / r if positive, else logit * r. Then presence and
// frequency (the definition of OpenAI's API): of tokens in the output, subtracted once and per occurrence.
void Penalize(const SampleArgs& args, const SlotState& slot, Candidates& candidates);

// DRY ("don't repeat yourself", p-e-w, text-generation-webui pull request 5677). A token that would continue a
// repetition of the last n >= allowed_length tokens loses multiplier * base^(n - allowed_length); n is the longest
// such repetition, at most kDryLongestMatch, and neither it nor the token holds a sequence breaker.
void SuppressRepetition(const SamplerExtras& extras, std::span<const int32_t> tokens, Candidates& candidates);

// Top-n-sigma (Tang et al. 2024, arXiv 2411.07641): keeps logits of at least max - n * sigma, sigma the standard
// deviation (of a whole population) of the logits.
void KeepTopNSigma(double n, Candidates& candidates);

// The temperature divides the logits.
void Temper(double temperature, Candidates& candidates);

// Dynamic temperature (entropy sampling, kalomaze): between max(0, T - range) and T + range by the share of its
// largest value that the entropy has, low + (high - low) * (H / ln n)^exponent; at least kLeastDynamicTemperature.
// A single token is left alone.
void TemperByEntropy(double temperature, double range, double exponent, Candidates& candidates);

// Top-k (Fan et al. 2018, arXiv 1805.04833).
void KeepTopK(int32_t k, Candidates& candidates);

// Locally typical sampling (Meister et al. 2022, arXiv 2202.00666): the smallest set of this mass of tokens whose
// surprise is nearest to the entropy; of equally near ones the more probable first.
void KeepTypical(double mass, Candidates& candidates);

// Nucleus (Holtzman et al. 2019, arXiv 1904.09751): the smallest set of the most probable tokens of this mass.
void KeepTopP(double mass, Candidates& candidates);

// Min-p (Nguyen et al. 2024, arXiv 2407.01082): at least this share of the most probable token's probability.
void KeepMinP(double share, Candidates& candidates);

// XTC (exclude top choices, p-e-w, text-generation-webui pull request 6335): of the tokens with at least this
// probability, all but the least probable go. Called where the coin fell for it; none is spared for its meaning.
void ExcludeTopChoices(double threshold, Candidates& candidates);

// Mirostat 2 (Basu et al. 2021, arXiv 2007.14966): drops tokens whose surprise in bits is above mu, but for the most
// probable one.
void KeepMirostat(double mu, Candidates& candidates);
// mu after a token whose surprise, before that cut, was `bits`. Rounded to f32, so that it can be restored exactly.
float NextMu(const SamplerExtras& extras, float mu, double bits);

}  // namespace spate::ref
