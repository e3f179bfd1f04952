// Scorer: logits of every position of given token sequences, through the same batches and the same worker as
// generation, without the sampler. Memory is bounded by the rows of a step, however long the text.
// With `repeat`, copies of the sequence run side by side among different neighbours: other sequences of other
// lengths before and between them, and each copy a step behind the one before. Whoever claims that neighbours and
// chunks change nothing compares the copies. Not thread-safe; the model outlives it.
//
//   Scorer scorer(model, {.max_positions = 512});
//   scorer.Run(ids, [&](int copy, int position, std::span<const float> logits) { ... });
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/function_ref.h"
#include "engine/batch_builder.h"
#include "engine/open_model.h"
#include "engine/worker.h"

namespace spate {

struct ScoreOptions {
  int max_positions = 0;  // longest sequence that Run will get
  int chunk = 0;          // tokens of a sequence per step; 0 = chosen
  int repeat = 1;         // copies in one step
};

// logits [vocab], of the token after `position`; valid during the call. Copies come in turn, positions ascend.
using LogitsFn = FunctionRef<void(int copy, int position, std::span<const float> logits)>;

class Scorer {
 public:
  // Throws Error: kUsage for impossible options, kDoesNotFit (both numbers) for lengths and memory.
  Scorer(const Model& model, const ScoreOptions& options);

  // Throws Error for a sequence that is empty, too long, or has ids outside the vocabulary.
  void Run(std::span<const int32_t> ids, LogitsFn fn);

  int chunk() const { return plan_.chunk; }

 private:
  struct Plan {
    int max_positions, chunk, repeat;
    int neighbours;        // sequences beside the copies
    int neighbour_blocks;  // of each
    int copy_blocks;       // of each
    int tokens() const;    // of the largest step
  };
  static Plan MakePlan(const Model& model, const ScoreOptions& options);

  void CheckIds(std::span<const int32_t> ids) const;
  void AddNeighbour(int n);
  std::span<const int32_t> BlocksOf(int first, int count) const;

  const Model& model_;
  Plan plan_;
  Worker worker_;
  BatchBuilder builder_;
  std::vector<int32_t> block_numbers_;    // 0, 1, 2, ...: every sequence owns a range
  std::vector<int32_t> neighbour_ids_;    // random tokens, [neighbours, kNeighbourTokens]
  std::vector<int> neighbour_positions_;  // [neighbours]
  std::vector<Chunk> chunks_;             // of the step
  std::vector<float> rows_;               // [outputs, vocab]
};

}  // namespace spate
