// Perplexity of a text: exp of the mean negative log-likelihood of its tokens. The text is cut into windows of
// `context` tokens (the first of each replaced by BOS where the tokenizer adds one), and the second half of
// each window is scored, so that every scored token has seen at least half a window. This is how llama.cpp's
// perplexity tool counts, so that figures can be compared.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "engine/open_model.h"

namespace spate {

struct PerplexityResult {
  double perplexity = 0;
  double standard_error = 0;  // of the perplexity, from the spread of the tokens' log-likelihoods
  double mean_nll = 0;        // nats per token
  int64_t tokens = 0;         // scored
  int64_t processed = 0;      // run through the model
  int windows = 0;
  double seconds = 0;
};

// `progress` is called after each window and returns false to stop there; what was scored by then is the result.
using PerplexityProgress = std::function<bool(int done, int windows, double perplexity)>;

// Throws Error(kBadInput) for fewer than two tokens, Error(kUsage) for a context that the model does not have.
PerplexityResult MeasurePerplexity(const Model& model, std::span<const int32_t> ids, int context,
                                   const PerplexityProgress& progress);

// -log softmax(logits)[target], in double.
double NegativeLogLikelihood(std::span<const float> logits, int32_t target);

}  // namespace spate
