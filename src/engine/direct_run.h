// DirectRun: one sequence driven straight through BatchBuilder and Worker, for benches: exactly the prefill of P
// tokens at depth D, or the decode of N, with nothing of a scheduler in between. Throws what a worker throws.
// The model outlives it; not thread-safe.
//
//   DirectRun run(model, {.max_positions = 640});
//   run.Prefill(ids);         // to depth D, not timed
//   run.Decode(128);          // timed
//   run.Rewind(D);            // next round
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/batch_builder.h"
#include "engine/open_model.h"
#include "engine/worker.h"

namespace spate {

struct DirectRunOptions {
  int max_positions = 0;
  int max_batch_tokens = 512;  // a longer prefill takes several steps
};

class DirectRun {
 public:
  // Throws Error(kDoesNotFit) with both numbers.
  DirectRun(const Model& model, const DirectRunOptions& options);

  // Appends tokens to the cache. Computes the logits of the last and draws the most probable next one.
  void Prefill(std::span<const int32_t> ids);
  // Appends `count` tokens one by one, each the most probable after those before. Something was prefilled before.
  void Decode(int count);
  // Forgets the cache behind the first `position` tokens. The next call is Prefill, or Decode, which then starts from
  // the token that was drawn last.
  void Rewind(int position);

  int position() const { return position_; }          // tokens in the cache
  int32_t next_token() const { return next_.token; }  // drawn after them
  // Of the bits of the last step's logits: equal runs have equal hashes (FNV-1a, 64 bits).
  uint64_t LogitsHash();

 private:
  void Run(std::span<const int32_t> ids, bool sample);

  int max_positions_;
  Worker worker_;
  BatchBuilder builder_;
  std::vector<int32_t> blocks_;  // 0, 1, 2, ...
  int max_batch_tokens_;
  int position_ = 0;
  SampleResult next_;
  Mat logits_;
  std::vector<float> host_logits_;  // [vocab]
};

}  // namespace spate
