#include "backend/ref/ref_ops.h"

#include <algorithm>
#include <new>

#include "backend/ref/attention.h"
#include "backend/ref/linear.h"
#include "backend/ref/mat.h"
#include "backend/ref/norm.h"
#include "backend/ref/weights.h"
#include "base/check.h"
#include "base/error.h"

namespace spate::ref {
namespace {

size_t ScratchSize(const OpsConfig& config, Buf id) {
  const auto size = [](int rows, int cols) { return static_cast<size_t>(rows) * static_cast<size_t>(cols); };
  switch (id) {
    case Buf::kResidual:
    case Buf::kNormed:
      return size(config.max_tokens, config.dim);
    case Buf::kQkv:
      return size(config.max_tokens, config.max_qkv);
    case Buf::kMixed:
      return size(config.max_tokens, config.max_mixed);
    case Buf::kHidden:
      return size(config.max_tokens, config.max_hidden);
    case Buf::kGathered:
      return size(config.max_outputs, config.dim);
    case Buf::kLogits:
      return size(config.max_outputs, config.vocab);
    case Buf::kCount:
      break;
  }
  CHECK(false, "buffer {}", static_cast<int>(id));
  return 0;
}

}  // namespace

RefOps::RefOps(const OpsConfig& config)
    : config_(config), kv_(config.kv, config.kv_blocks), slots_(static_cast<size_t>(config.slots)) {
  try {
    for (size_t i = 0; i < scratch_.size(); ++i) scratch_[i].resize(ScratchSize(config, static_cast<Buf>(i)));
  } catch (const std::exception&) {  // bad_alloc, or length_error beyond any memory
    throw Error(ErrorCode::kDoesNotFit,
                "backend ref: no memory for the buffers of a step of {} tokens; use smaller steps", config.max_tokens);
  }
}

void RefOps::Begin(const Batch& batch) {
  CHECK(batch.tokens <= config_.max_tokens, "{} tokens, planned for {}", batch.tokens, config_.max_tokens);
  CHECK(batch.sequences <= config_.max_sequences, "{} sequences, planned for {}", batch.sequences,
        config_.max_sequences);
  CHECK(batch.outputs <= config_.max_outputs, "{} outputs, planned for {}", batch.outputs, config_.max_outputs);
  CHECK(batch.query_start[0] == 0 && batch.query_start[batch.sequences] == batch.tokens);
}

Mat RefOps::Scratch(Buf id, int rows, int cols) {
  std::vector<float>& buffer = scratch_[static_cast<size_t>(id)];
  CHECK(static_cast<size_t>(rows) * static_cast<size_t>(cols) <= buffer.size(), "buffer {}: [{}, {}] of {} elements",
        static_cast<int>(id), rows, cols, buffer.size());
  return {buffer.data(), rows, cols, cols, DType::kF32};
}

void RefOps::Embed(const Table& table, const Batch& batch, Mat out) {
  const RefTable& rows = As<RefTable>(table);
  CheckShape("out", out, batch.tokens, rows.cols());
  for (int t = 0; t < batch.tokens; ++t) {
    int32_t id = batch.ids[t];
    if (id < 0) {
      const size_t slot = static_cast<size_t>(-1 - id);
      CHECK(slot < slots_.size(), "slot {} of {}", slot, slots_.size());
      id = slots_[slot].last_token;
      CHECK(id >= 0, "slot {} has no token yet", slot);
    }
    rows.Read(id, Row(out, t));
  }
}

void RefOps::AddNorm(const Vec& w, const NormSpec& spec, const Mat* delta, Mat x, Mat out) {
  ref::AddNorm(As<RefVec>(w), spec, delta, x, out);
}

void RefOps::Apply(const Linear& w, Mat x, Mat out, const Epilogue& epilogue) {
  ref::Apply(As<RefLinear>(w), x, out, epilogue);
}

void RefOps::Attend(const AttnSpec& spec, int layer, const Batch& batch, Mat qkv, Mat out) {
  const size_t rope = static_cast<size_t>(spec.rope);
  CHECK(rope < config_.ropes.size(), "rope {} of {}", rope, config_.ropes.size());
  ref::Attend(spec, config_.ropes[rope], layer, batch, qkv, out, kv_);
}

void RefOps::GatherRows(const Batch& batch, Mat x, Mat out) {
  CheckShape("out", out, batch.outputs, x.cols);
  for (int i = 0; i < batch.outputs; ++i) std::copy_n(Row(x, batch.output_rows[i]), x.cols, Row(out, i));
}

void RefOps::Sample(const Batch& batch, Mat logits, std::span<SampleResult> results) {
  CheckShape("logits", logits, batch.outputs, config_.vocab);
  CHECK(results.size() == static_cast<size_t>(batch.outputs), "{} results of {} outputs", results.size(),
        batch.outputs);
  for (int i = 0; i < batch.outputs; ++i) {
    const SampleArgs& args = batch.sample[i];
    CHECK(args.slot >= 0 && static_cast<size_t>(args.slot) < slots_.size(), "slot {} of {}", args.slot, slots_.size());
    SlotState& slot = slots_[static_cast<size_t>(args.slot)];
    const SampleResult result = SampleRow({Row(logits, i), static_cast<size_t>(logits.cols)}, args, slot);
    slot.Take(result);
    results[static_cast<size_t>(i)] = result;
  }
}

void RefOps::Download(const Mat& mat, std::span<float> out) {
  CHECK(out.size() == static_cast<size_t>(mat.rows) * static_cast<size_t>(mat.cols), "{} elements for [{}, {}]",
        out.size(), mat.rows, mat.cols);
  for (int r = 0; r < mat.rows; ++r) std::copy_n(Row(mat, r), mat.cols, out.data() + int64_t{r} * mat.cols);
}

void RefOps::SetSlot(const SlotStart& start) {
  CHECK(start.slot >= 0 && static_cast<size_t>(start.slot) < slots_.size(), "slot {} of {}", start.slot, slots_.size());
  slots_[static_cast<size_t>(start.slot)].Start(start, config_.vocab);
}

}  // namespace spate::ref
