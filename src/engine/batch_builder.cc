#include "engine/batch_builder.h"

#include <algorithm>

#include "backend/op_params.h"
#include "base/check.h"

namespace spate {

BatchBuilder::BatchBuilder(const BatchLimits& limits) : limits_(limits) {
  CHECK(limits.tokens > 0 && limits.sequences > 0 && limits.outputs > 0, "{} tokens, {} sequences, {} outputs",
        limits.tokens, limits.sequences, limits.outputs);
  const auto tokens = static_cast<size_t>(limits.tokens);
  const auto sequences = static_cast<size_t>(limits.sequences);
  const auto outputs = static_cast<size_t>(limits.outputs);
  for (auto* array : {&ids_, &positions_, &write_slots_}) array->reserve(tokens);
  for (auto* array : {&slots_, &context_len_}) array->reserve(sequences);
  query_start_.reserve(sequences + 1);
  output_rows_.reserve(outputs);
  samples_.reserve(outputs);
  chunks_.reserve(sequences);
  starts_.reserve(sequences);
}

const StepInput& BatchBuilder::Build(const Step& step) {
  chunks_.clear();
  starts_.clear();
  samples_.clear();
  for (const Step::Entry& entry : step.entries) {
    const Sequence& s = *entry.sequence;
    chunks_.push_back({.ids = s.tokens().subspan(static_cast<size_t>(s.computed()), static_cast<size_t>(entry.count)),
                       .first = s.computed(),
                       .blocks = s.blocks(),
                       .slot = s.slot(),
                       .outputs = entry.samples ? Chunk::Outputs::kLast : Chunk::Outputs::kNone});
    if (entry.samples) samples_.push_back(s.NextSample());
    if (entry.admitted) starts_.push_back(s.Start());
  }
  Build(chunks_);
  input_.batch.sample = samples_.data();
  input_.starts = starts_;
  return input_;
}

const StepInput& BatchBuilder::Build(std::span<const Chunk> chunks) {
  for (auto* array : {&ids_, &positions_, &write_slots_, &slots_, &context_len_, &output_rows_}) array->clear();
  query_start_.assign(1, 0);
  for (const Chunk& chunk : chunks) AddChunk(chunk);
  CHECK(ids_.size() <= static_cast<size_t>(limits_.tokens) && chunks.size() <= static_cast<size_t>(limits_.sequences) &&
            output_rows_.size() <= static_cast<size_t>(limits_.outputs),
        "{} of {} tokens, {} of {} sequences, {} of {} outputs", ids_.size(), limits_.tokens, chunks.size(),
        limits_.sequences, output_rows_.size(), limits_.outputs);
  FillTable(chunks);
  kv_.write_slot = write_slots_.data();

  Batch& b = input_.batch;
  b.tokens = static_cast<int>(ids_.size());
  b.sequences = static_cast<int>(chunks.size());
  b.outputs = static_cast<int>(output_rows_.size());
  b.ids = ids_.data();
  b.positions = positions_.data();
  b.slots = slots_.data();
  b.query_start = query_start_.data();
  b.context_len = context_len_.data();
  b.output_rows = output_rows_.data();
  b.kv = {&kv_, 1};
  b.sample = nullptr;
  b.host_query_start = query_start_;
  b.host_context_len = context_len_;
  input_.starts = {};
  return input_;
}

void BatchBuilder::AddChunk(const Chunk& chunk) {
  const int count = static_cast<int>(chunk.ids.size());
  const int end = chunk.first + count;
  CHECK(count > 0 && chunk.first >= 0 && static_cast<int64_t>(chunk.blocks.size()) * kKvBlockTokens >= end,
        "{} tokens at {} in {} blocks", count, chunk.first, chunk.blocks.size());
  const int row = static_cast<int>(ids_.size());
  for (int i = 0; i < count; ++i) {
    const int position = chunk.first + i;
    ids_.push_back(chunk.ids[static_cast<size_t>(i)]);
    positions_.push_back(position);
    const int32_t block = chunk.blocks[static_cast<size_t>(position / kKvBlockTokens)];
    write_slots_.push_back(block * kKvBlockTokens + position % kKvBlockTokens);
  }
  slots_.push_back(chunk.slot);
  query_start_.push_back(row + count);
  context_len_.push_back(end);
  const int outputs = chunk.outputs == Chunk::Outputs::kAll ? count : chunk.outputs == Chunk::Outputs::kLast ? 1 : 0;
  for (int i = count - outputs; i < count; ++i) output_rows_.push_back(row + i);
}

void BatchBuilder::FillTable(std::span<const Chunk> chunks) {
  size_t width = 0;
  for (const Chunk& chunk : chunks) width = std::max(width, chunk.blocks.size());
  table_.assign(width * chunks.size(), -1);  // no block: reading one is a bug that shows
  for (size_t s = 0; s < chunks.size(); ++s) {
    std::copy(chunks[s].blocks.begin(), chunks[s].blocks.end(), table_.begin() + static_cast<int64_t>(s * width));
  }
  kv_.block_table = table_.data();
  kv_.max_blocks = static_cast<int>(width);
}

}  // namespace spate
