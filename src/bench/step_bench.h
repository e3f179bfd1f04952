// Prefill and decode speed of one sequence, without scheduling and text: what `spate bench prefill|decode`
// measures. The machine's limit is measured in the same process before and after every round, because it drifts, on a
// shared machine by half from one second to the next.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/open_model.h"

namespace spate {

struct StepBenchOptions {
  int prompt = 0;             // tokens to prefill, or
  int generate = 0;           // tokens to decode; exactly one of the two is above 0
  int depth = 0;              // tokens in the cache before
  int rounds = 5;             // measured; one more before them is not
  int batch_tokens = 512;     // of one prefill step
  double peak_seconds = 0.3;  // for each measurement of the machine
};

struct StepBenchResult {
  std::vector<double> seconds;  // of each round
  double bytes_per_token = 0;   // decode: weights and, on average, the cache
  double flop_per_token = 0;    // prefill: 2 x the layers' parameters, attention left out
  double gb_s = 0;              // decode: median
  double peak_gb_s = 0;         // decode: median
  double gflop_s = 0;           // prefill: median
  double peak_gflop_s = 0;      // prefill: of the format the kernels multiply in; median
  double share_of_ceiling = 0;  // median over rounds of rate / mean of the peaks measured before and after the round
  std::string logits_hash;      // of the last round's last logits: equal bits, equal hash
};

// `stopped` is asked between rounds; when true, the rounds so far are the result. Throws Error(kUsage) when prompt,
// depth and generate do not fit the model's context.
StepBenchResult RunStepBench(const Model& model, const StepBenchOptions& options, const std::function<bool()>& stopped);

}  // namespace spate
