#include "bench/perplexity.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "engine/score.h"

namespace spate {

double NegativeLogLikelihood(std::span<const float> logits, int32_t target) {
  const double largest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0;
  for (const float l : logits) sum += std::exp(static_cast<double>(l) - largest);
  return std::log(sum) + largest - static_cast<double>(logits[static_cast<size_t>(target)]);
}

PerplexityResult MeasurePerplexity(const Model& model, std::span<const int32_t> ids, int context,
                                   const PerplexityProgress& progress) {
  if (ids.size() < 2)
    throw Error(ErrorCode::kBadInput, "perplexity: the text has {} tokens, at least 2 are needed", ids.size());
  if (context < 2 || context > model.spec.context) {
    throw Error(ErrorCode::kUsage, "perplexity: --context must be 2 to {} (the model's), got {}", model.spec.context,
                context);
  }
  const size_t window = std::min(static_cast<size_t>(context), ids.size());
  PerplexityResult result;
  result.windows = static_cast<int>(ids.size() / window);
  Scorer scorer(model, {.max_positions = static_cast<int>(window)});
  const std::optional<int32_t> bos = model.tokenizer ? model.tokenizer->bos() : std::nullopt;
  const bool add_bos = bos && !ids.empty() && ids.front() == *bos;

  double sum = 0, squares = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int w = 0; w < result.windows; ++w) {
    std::vector<int32_t> text(ids.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(w) * window),
                              ids.begin() + static_cast<std::ptrdiff_t>((static_cast<size_t>(w) + 1) * window));
    if (add_bos) text.front() = *bos;
    const int first_scored = static_cast<int>(window / 2);
    scorer.Run(text, [&](int, int position, std::span<const float> logits) {
      const int next = position + 1;
      if (next < first_scored || next >= static_cast<int>(window)) return;
      const double nll = NegativeLogLikelihood(logits, text[static_cast<size_t>(next)]);
      sum += nll;
      squares += nll * nll;
      ++result.tokens;
    });
    result.processed += static_cast<int64_t>(window);
    const auto n = static_cast<double>(result.tokens);
    result.mean_nll = sum / n;
    result.perplexity = std::exp(result.mean_nll);
    const double variance = n > 1 ? std::max(0.0, (squares - sum * sum / n) / (n - 1)) : 0;
    result.standard_error = result.perplexity * std::sqrt(variance / n);
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (!progress(w + 1, result.windows, result.perplexity)) break;
  }
  return result;
}

}  // namespace spate
