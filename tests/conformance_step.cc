#include "tests/conformance_step.h"

#include <algorithm>

#include "base/math_util.h"

namespace spate::conformance {

BlockPlan::BlockPlan(const std::vector<int>& contexts, int groups) : groups_(groups) {
  std::vector<int> needed;
  for (int context : contexts) {
    needed.push_back(CeilDiv(std::max(context, 1), kKvBlockTokens));
    max_blocks_ = std::max(max_blocks_, needed.back() + 2);
    blocks_ += needed.back();
  }
  blocks_ += 3;  // never used
  // Multiples of a number that is prime to blocks_, dealt out in turn.
  int factor = blocks_ / 2 + 1;
  const auto gcd = [](int a, int b) {
    while (b != 0) std::swap(a %= b, b);
    return a;
  };
  while (gcd(factor, blocks_) != 1) ++factor;
  int next = 1;
  of_sequence_.resize(contexts.size());
  for (size_t round = 0; static_cast<int>(round) < max_blocks_; ++round) {
    for (size_t s = 0; s < contexts.size(); ++s) {
      if (static_cast<int>(round) < needed[s]) {
        of_sequence_[s].push_back(static_cast<int32_t>((int64_t{next++} * factor) % blocks_));
      }
    }
  }
}

int32_t BlockPlan::Block(int group, int sequence, int index) const {
  const int32_t block = of_sequence_[static_cast<size_t>(sequence)].at(static_cast<size_t>(index));
  return group % 2 == 0 ? block : blocks_ - 1 - block;
}

Step::Step(const BlockPlan& plan, int groups, const std::vector<Chunk>& chunks) {
  constexpr int32_t kNoBlock = 1 << 29;
  query_start_.push_back(0);
  for (const Chunk& chunk : chunks) {
    slots_.push_back(chunk.sequence);
    context_len_.push_back(chunk.past + chunk.tokens);
    query_start_.push_back(query_start_.back() + chunk.tokens);
    for (int t = 0; t < chunk.tokens; ++t) positions_.push_back(chunk.past + t);
  }
  ids_.resize(positions_.size());
  for (int group = 0; group < groups; ++group) {
    std::vector<int32_t> table, slots;
    for (const Chunk& chunk : chunks) {
      const int used = CeilDiv(chunk.past + chunk.tokens, kKvBlockTokens);
      for (int b = 0; b < plan.max_blocks(); ++b) {
        table.push_back(b < used ? plan.Block(group, chunk.sequence, b) : kNoBlock);
      }
      for (int p = chunk.past; p < chunk.past + chunk.tokens; ++p) {
        slots.push_back(plan.Block(group, chunk.sequence, p / kKvBlockTokens) * kKvBlockTokens + p % kKvBlockTokens);
      }
    }
    block_table_.push_back(std::move(table));
    write_slot_.push_back(std::move(slots));
  }
  for (size_t g = 0; g < block_table_.size(); ++g) {
    kv_.push_back({block_table_[g].data(), plan.max_blocks(), write_slot_[g].data()});
  }
  batch_.tokens = static_cast<int>(positions_.size());
  batch_.sequences = static_cast<int>(chunks.size());
  batch_.ids = ids_.data();
  batch_.positions = positions_.data();
  batch_.slots = slots_.data();
  batch_.query_start = query_start_.data();
  batch_.context_len = context_len_.data();
  batch_.kv = kv_;
  batch_.host_query_start = query_start_;
  batch_.host_context_len = context_len_;
  SetOutputs({});
}

void Step::SetOutputs(std::vector<int32_t> rows) {
  output_rows_ = std::move(rows);
  batch_.outputs = static_cast<int>(output_rows_.size());
  batch_.output_rows = output_rows_.data();
}

OpsConfig PlainConfig(int tokens, int width) {
  OpsConfig config;
  config.max_tokens = tokens;
  config.max_sequences = 1;
  config.max_outputs = tokens;
  config.slots = 1;
  config.dim = width;
  config.max_qkv = width;
  config.max_mixed = width;
  config.max_hidden = width;
  config.vocab = width;
  config.max_context = tokens;
  config.kv.dtype = DType::kF32;
  config.kv.layers = {{0, 1, 2}};
  config.kv_blocks = {BlockPlan({tokens}, 1).blocks()};
  return config;
}

}  // namespace spate::conformance
