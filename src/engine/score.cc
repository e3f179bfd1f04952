#include "engine/score.h"

#include <algorithm>
#include <numeric>

#include "backend/op_params.h"
#include "base/check.h"
#include "base/error.h"
#include "base/free_memory.h"
#include "base/math_util.h"
#include "base/rng.h"
#include "engine/kv_size.h"

namespace spate {
namespace {

// Logits of a step take twice this: the worker's, and the copy on the host.
constexpr int64_t kLogitsBytes = int64_t{256} << 20;
constexpr int64_t kMaxLogitsBytes = int64_t{2} << 30;  // when a chunk was asked for
constexpr int kDefaultChunk = 512;
constexpr int kNeighbourTokens = 96;  // then a neighbour starts anew
constexpr int kMaxRepeat = 256;

// A neighbour's tokens per step: one, as in decode, or some, as in prefill; all different at first.
int NeighbourChunk(int n) { return 1 + n * 7 % 23; }

}  // namespace

int Scorer::Plan::tokens() const {
  int sum = repeat * chunk;
  for (int n = 0; n < neighbours; ++n) sum += NeighbourChunk(n);
  return sum;
}

Scorer::Plan Scorer::MakePlan(const Model& model, const ScoreOptions& options) {
  if (options.repeat < 1 || options.repeat > kMaxRepeat) {
    throw Error(ErrorCode::kUsage, "--repeat: expected 1 to {}, got {}", kMaxRepeat, options.repeat);
  }
  if (options.chunk < 0) throw Error(ErrorCode::kUsage, "--chunk: expected at least 1, got {}", options.chunk);
  if (options.max_positions < 1 || options.max_positions > model.spec.context) {
    throw Error(ErrorCode::kDoesNotFit, "{} tokens do not fit the model's context of {}", options.max_positions,
                model.spec.context);
  }
  Plan plan{};
  plan.max_positions = options.max_positions;
  plan.repeat = options.repeat;
  plan.neighbours = options.repeat > 1 ? options.repeat : 0;
  const int64_t row_bytes = int64_t{model.spec.vocab} * 4;
  const int64_t bytes = options.chunk > 0 ? kMaxLogitsBytes : kLogitsBytes;
  const int64_t limit = std::max<int64_t>(1, bytes / row_bytes / plan.repeat);
  const int64_t wanted = std::min(options.chunk > 0 ? options.chunk : kDefaultChunk, plan.max_positions);
  plan.chunk = static_cast<int>(options.chunk > 0 ? wanted : std::min(wanted, limit));
  if (plan.chunk > limit) {
    throw Error(ErrorCode::kDoesNotFit, "--chunk {} with {} copies: a step may hold {} rows of logits; try --chunk {}",
                plan.chunk, plan.repeat, limit * plan.repeat, limit);
  }
  plan.copy_blocks = CeilDiv(plan.max_positions, kKvBlockTokens);
  plan.neighbour_blocks = CeilDiv(kNeighbourTokens, kKvBlockTokens);
  // Blocks for all of them, or an error with both numbers.
  ChooseKvSize(MakeKvLayout(model.spec, model.kv_dtype),
               {.model_context = std::max(2, model.spec.context),
                .blocks = int64_t{plan.repeat} * plan.copy_blocks + int64_t{plan.neighbours} * plan.neighbour_blocks},
               FreeMemory());
  return plan;
}

Scorer::Scorer(const Model& model, const ScoreOptions& options)
    : model_(model),
      plan_(MakePlan(model, options)),
      worker_(model, {.max_tokens = plan_.tokens(),
                      .max_sequences = plan_.repeat + plan_.neighbours,
                      .max_outputs = plan_.repeat * plan_.chunk,
                      .max_context = std::max(plan_.max_positions, kNeighbourTokens),
                      .kv_blocks = plan_.repeat * plan_.copy_blocks + plan_.neighbours * plan_.neighbour_blocks}),
      builder_({.tokens = plan_.tokens(),
                .sequences = plan_.repeat + plan_.neighbours,
                .outputs = plan_.repeat * plan_.chunk}),
      block_numbers_(static_cast<size_t>(plan_.repeat * plan_.copy_blocks + plan_.neighbours * plan_.neighbour_blocks)),
      neighbour_positions_(static_cast<size_t>(plan_.neighbours), 0),
      rows_(static_cast<size_t>(plan_.repeat * plan_.chunk) * static_cast<size_t>(model.spec.vocab)) {
  std::iota(block_numbers_.begin(), block_numbers_.end(), 0);
  for (int i = 0; i < plan_.neighbours * kNeighbourTokens; ++i) {
    const uint32_t word = PhiloxAt({{static_cast<uint32_t>(i), 0, 0, 0}}, 0, 0).words[0];
    neighbour_ids_.push_back(static_cast<int32_t>(word % static_cast<uint32_t>(model.spec.vocab)));
  }
}

void Scorer::CheckIds(std::span<const int32_t> ids) const {
  if (ids.empty()) throw Error(ErrorCode::kBadInput, "no tokens to score");
  if (ids.size() > static_cast<size_t>(plan_.max_positions)) {
    throw Error(ErrorCode::kDoesNotFit, "{} tokens do not fit the {} positions planned for", ids.size(),
                plan_.max_positions);
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= model_.spec.vocab) {
      throw Error(ErrorCode::kBadInput, "token {} is id {}, the vocabulary has ids 0 to {}", i, ids[i],
                  model_.spec.vocab - 1);
    }
  }
}

std::span<const int32_t> Scorer::BlocksOf(int first, int count) const {
  return std::span(block_numbers_).subspan(static_cast<size_t>(first), static_cast<size_t>(count));
}

void Scorer::AddNeighbour(int n) {
  int& position = neighbour_positions_[static_cast<size_t>(n)];
  const int count = NeighbourChunk(n);
  if (position + count > kNeighbourTokens) position = 0;
  const auto start = static_cast<size_t>(n * kNeighbourTokens + position);
  chunks_.push_back(
      {.ids = std::span(neighbour_ids_).subspan(start, static_cast<size_t>(count)),
       .first = position,
       .blocks = BlocksOf(plan_.repeat * plan_.copy_blocks + n * plan_.neighbour_blocks, plan_.neighbour_blocks)});
  position += count;
}

void Scorer::Run(std::span<const int32_t> ids, LogitsFn fn) {
  CheckIds(ids);
  const int positions = static_cast<int>(ids.size());
  const int own_steps = CeilDiv(positions, plan_.chunk);
  const auto vocab = static_cast<size_t>(model_.spec.vocab);
  for (int step = 0; step < own_steps + plan_.repeat - 1; ++step) {
    chunks_.clear();
    for (int copy = 0; copy < plan_.repeat; ++copy) {
      if (copy < plan_.neighbours) AddNeighbour(copy);
      const int first = (step - copy) * plan_.chunk;
      if (first < 0 || first >= positions) continue;
      const int count = std::min(plan_.chunk, positions - first);
      chunks_.push_back({.ids = ids.subspan(static_cast<size_t>(first), static_cast<size_t>(count)),
                         .first = first,
                         .blocks = BlocksOf(copy * plan_.copy_blocks, plan_.copy_blocks),
                         .outputs = Chunk::Outputs::kAll});
    }
    const Batch& batch = builder_.Build(chunks_).batch;
    const Mat logits = worker_.Forward(batch);
    const auto rows = std::span(rows_).first(static_cast<size_t>(batch.outputs) * vocab);
    worker_.ops().Download(logits, rows);
    size_t row = 0;
    for (int copy = 0; copy < plan_.repeat; ++copy) {
      const int first = (step - copy) * plan_.chunk;
      if (first < 0 || first >= positions) continue;
      const int count = std::min(plan_.chunk, positions - first);
      for (int i = 0; i < count; ++i) fn(copy, first + i, rows.subspan(row++ * vocab, vocab));
    }
  }
}

}  // namespace spate
