// Scheduler steps for the cases: which sequence feeds how many tokens, where its blocks are, and the flat
// Batch of it.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/ops.h"

namespace spate::conformance {

// What one sequence does in a step.
struct Chunk {
  int sequence = 0;  // its slot and its blocks
  int past = 0;      // positions that are in the cache already
  int tokens = 0;
};

// Hands every sequence the blocks for `context` positions, in an order that is neither ascending nor
// contiguous; of KV group g the numbers are others again.
class BlockPlan {
 public:
  BlockPlan(const std::vector<int>& contexts, int groups);
  int max_blocks() const { return max_blocks_; }
  int blocks() const { return blocks_; }  // to allocate per group
  int32_t Block(int group, int sequence, int index) const;

 private:
  int max_blocks_ = 1;
  int blocks_ = 0;
  int groups_;
  std::vector<std::vector<int32_t>> of_sequence_;
};

// Owns the arrays of a Batch. Table entries that a step does not need name a block that is not there.
class Step {
 public:
  Step(const BlockPlan& plan, int groups, const std::vector<Chunk>& chunks);
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

  Batch& batch() { return batch_; }
  std::vector<int32_t>& ids() { return ids_; }
  std::vector<int32_t>& positions() { return positions_; }
  void SetOutputs(std::vector<int32_t> rows);

 private:
  std::vector<int32_t> ids_, positions_, slots_, query_start_, context_len_, output_rows_;
  std::vector<std::vector<int32_t>> block_table_, write_slot_;  // by group
  std::vector<KvView> kv_;
  Batch batch_;
};

// One sequence of `tokens` tokens from position 0: for operations that do not look at sequences.
inline std::vector<Chunk> OneSequence(int tokens) { return {{0, 0, tokens}}; }

// Large enough for a step of `tokens` tokens and matrices up to `width`, one sequence, a KV cache of one
// narrow layer.
OpsConfig PlainConfig(int tokens, int width);

}  // namespace spate::conformance
