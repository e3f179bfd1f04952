#include "engine/direct_run.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "backend/op_params.h"
#include "base/check.h"
#include "base/error.h"
#include "base/free_memory.h"
#include "base/math_util.h"
#include "engine/kv_size.h"

namespace spate {
namespace {

WorkerOptions PlanWorker(const Model& model, const DirectRunOptions& options) {
  CHECK(options.max_positions > 0 && options.max_batch_tokens > 0);
  const int blocks = CeilDiv(options.max_positions, kKvBlockTokens);
  // A bench may look at depths that the model was not made for; only memory limits it.
  ChooseKvSize(MakeKvLayout(model.spec, model.kv_dtype),
               {.model_context = std::max({2, model.spec.context, options.max_positions}), .blocks = blocks},
               FreeMemory());
  return {.max_tokens = std::min(options.max_batch_tokens, options.max_positions),
          .max_sequences = 1,
          .max_outputs = 1,
          .max_context = options.max_positions,
          .kv_blocks = blocks};
}

}  // namespace

DirectRun::DirectRun(const Model& model, const DirectRunOptions& options)
    : max_positions_(options.max_positions),
      worker_(model, PlanWorker(model, options)),
      builder_({.tokens = std::min(options.max_batch_tokens, options.max_positions), .sequences = 1, .outputs = 1}),
      blocks_(static_cast<size_t>(CeilDiv(options.max_positions, kKvBlockTokens))),
      max_batch_tokens_(std::min(options.max_batch_tokens, options.max_positions)),
      host_logits_(static_cast<size_t>(model.spec.vocab)) {
  std::iota(blocks_.begin(), blocks_.end(), 0);
  const SlotStart start{};
  worker_.StartSlots({&start, 1});
}

void DirectRun::Run(std::span<const int32_t> ids, bool sample) {
  const int end = position_ + static_cast<int>(ids.size());
  if (end > max_positions_) throw Error(ErrorCode::kDoesNotFit, "{} positions, planned for {}", end, max_positions_);
  const Chunk chunk{
      .ids = ids,
      .first = position_,
      .blocks = std::span<const int32_t>(blocks_).first(static_cast<size_t>(CeilDiv(end, kKvBlockTokens))),
      .outputs = sample ? Chunk::Outputs::kLast : Chunk::Outputs::kNone};
  Batch batch = builder_.Build({&chunk, 1}).batch;
  SampleArgs args;
  args.position = end;
  batch.sample = &args;
  logits_ = worker_.Forward(batch);
  worker_.Sample(batch, logits_, {&next_, sample ? size_t{1} : size_t{0}});
  position_ = end;
}

void DirectRun::Prefill(std::span<const int32_t> ids) {
  CHECK(!ids.empty());
  const auto step = static_cast<size_t>(max_batch_tokens_);
  while (ids.size() > step) {
    Run(ids.first(step), false);
    ids = ids.subspan(step);
  }
  Run(ids, true);
}

void DirectRun::Decode(int count) {
  CHECK(logits_.rows == 1, "nothing was prefilled");
  for (int i = 0; i < count; ++i) {
    const int32_t token = next_.token;
    Run({&token, 1}, true);
  }
}

void DirectRun::Rewind(int position) {
  CHECK(position >= 0 && position <= position_, "to {} from {}", position, position_);
  position_ = position;
}

uint64_t DirectRun::LogitsHash() {
  CHECK(logits_.rows == 1, "nothing was prefilled");
  worker_.ops().Download(logits_, host_logits_);
  uint64_t hash = 0xcbf29ce484222325u;
  for (const float value : host_logits_) {
    const auto bits = std::bit_cast<uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) hash = (hash ^ ((bits >> shift) & 0xff)) * 0x100000001b3u;
  }
  return hash;
}

}  // namespace spate
