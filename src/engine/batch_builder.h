// BatchBuilder: turns what a step computes into the flat arrays of a Batch. Prefill, chunked prefill and decode
// look alike: a run of tokens of a sequence, where they stand, and which of them need logits. Owned by whoever
// drives a worker, not thread-safe; the arrays are sized once and reused.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/ops.h"
#include "engine/scheduler.h"

namespace spate {

// Some consecutive tokens of one sequence.
struct Chunk {
  enum class Outputs : uint8_t { kNone, kLast, kAll };
  std::span<const int32_t> ids;     // at least one
  int first = 0;                    // position of ids[0]
  std::span<const int32_t> blocks;  // of the sequence, for positions [0, first + ids.size()) at least
  int slot = 0;
  Outputs outputs = Outputs::kNone;
};

// All that crosses to a worker for one step. Points into the builder and the sequences.
struct StepInput {
  Batch batch;
  std::span<const SlotStart> starts;
};

struct BatchLimits {
  int tokens = 0;  // of a step
  int sequences = 0;
  int outputs = 0;
};

class BatchBuilder {
 public:
  explicit BatchBuilder(const BatchLimits& limits);

  // Valid until the next call, and as long as the step's sequences do not change. Rows are sampled.
  const StepInput& Build(const Step& step);
  // The same for logits alone. Chunks of one step are of different sequences.
  const StepInput& Build(std::span<const Chunk> chunks);

 private:
  void AddChunk(const Chunk& chunk);
  void FillTable(std::span<const Chunk> chunks);

  BatchLimits limits_;
  std::vector<Chunk> chunks_;  // of a scheduler's step
  std::vector<SlotStart> starts_;
  std::vector<int32_t> ids_, positions_, write_slots_;              // [tokens]
  std::vector<int32_t> slots_, query_start_, context_len_, table_;  // [sequences], [+ 1], [.], [., max_blocks]
  std::vector<int32_t> output_rows_;                                // [outputs]
  std::vector<SampleArgs> samples_;                                 // [outputs]
  KvView kv_;
  StepInput input_;
};

}  // namespace spate
