#include "backend/ref/ref_ops.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "backend/ref/attention.h"
#include "backend/ref/experts.h"
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
    case Buf::kBranch:
    case Buf::kShared:
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

void RefOps::Embed(const Table& table, float scale, const Batch& batch, Mat out) {
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
    for (int i = 0; i < out.cols; ++i) Row(out, t)[i] *= scale;
  }
}

void RefOps::AddPositions(const Table& table, int offset, const Batch& batch, Mat x) {
  const RefTable& rows = As<RefTable>(table);
  CheckShape("x", x, batch.tokens, rows.cols());
  std::vector<float> row(static_cast<size_t>(x.cols));
  for (int t = 0; t < batch.tokens; ++t) {
    rows.Read(batch.positions[t] + offset, row.data());
    for (int i = 0; i < x.cols; ++i) Row(x, t)[i] += row[static_cast<size_t>(i)];
  }
}

void RefOps::AddNorm(const Vec& w, const NormSpec& spec, const Mat* delta, Mat x, Mat out) {
  ref::AddNorm(As<RefVec>(w), spec, delta, x, out);
}

void RefOps::Apply(const Linear& w, Mat x, Mat out, const Epilogue& epilogue) {
  ref::Apply(As<RefLinear>(w), x, out, epilogue);
}

void RefOps::Attend(const AttnSpec& spec, const QkNormWeights& norms, int layer, const Batch& batch, Mat qkv, Mat out) {
  CHECK(spec.rope < static_cast<int>(config_.ropes.size()) && spec.alibi < static_cast<int>(config_.alibi.size()),
        "rope {} of {}, alibi {} of {}", spec.rope, config_.ropes.size(), spec.alibi, config_.alibi.size());
  AttnData data;
  if (spec.rope >= 0) data.rope = &config_.ropes[static_cast<size_t>(spec.rope)];
  if (spec.alibi >= 0) data.alibi = &config_.alibi[static_cast<size_t>(spec.alibi)];
  if (norms.query != nullptr) data.query_norm = &As<RefVec>(*norms.query);
  if (norms.key != nullptr) data.key_norm = &As<RefVec>(*norms.key);
  ref::Attend(spec, data, layer, batch, qkv, out, kv_);
}

void RefOps::Experts(const FfnSpec& spec, const Linear& router, const Linear& gate_up, const Linear& down, Mat x,
                     Mat out, const Epilogue& epilogue) {
  ref::Experts(spec, As<RefLinear>(router), As<RefLinear>(gate_up), As<RefLinear>(down), x, out, epilogue);
}

void RefOps::AddGated(const Linear& gate, Mat x, Mat delta, float scale, Mat out) {
  ref::AddGated(As<RefLinear>(gate), x, delta, scale, out);
}

void RefOps::Add(Mat delta, Mat x) {
  CheckShape("delta", delta, x.rows, x.cols);
  for (int r = 0; r < x.rows; ++r) {
    for (int i = 0; i < x.cols; ++i) Row(x, r)[i] += Row(delta, r)[i];
  }
}

void RefOps::Softcap(float cap, Mat logits) {
  const double c = static_cast<double>(cap);
  for (int r = 0; r < logits.rows; ++r) {
    for (int i = 0; i < logits.cols; ++i) {
      float& value = Row(logits, r)[i];
      value = static_cast<float>(c * std::tanh(static_cast<double>(value) / c));
    }
  }
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
