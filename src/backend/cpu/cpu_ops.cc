// CpuOps: a step's plan, embedding, norms, rows, and what attention and sampling do in files of their own.
#include "backend/cpu/cpu_ops.h"

#include <algorithm>

#include "backend/cpu/cpu_table.h"
#include "base/check.h"
#include "base/math_util.h"

namespace spate::cpu {
namespace {

// Values below which one thread is done before the others are awake.
constexpr int64_t kSmallRows = 1 << 15;
constexpr int64_t kRowsPerTask = 16;
constexpr int64_t kSoftcapValues = 8 << 10;  // logits of a task: some microseconds

float* Row(const Mat& mat, int64_t row) { return static_cast<float*>(mat.data) + row * mat.stride; }

void CheckShape(const char* what, const Mat& mat, int64_t rows, int64_t cols) {
  CHECK(mat.dtype == DType::kF32 && mat.rows == rows && mat.cols == cols, "{} is {} [{}, {}], expected f32 [{}, {}]",
        what, Name(mat.dtype), mat.rows, mat.cols, rows, cols);
}

// fn(row) for every row, by one thread where that is little work.
template <class Fn>
void ForRows(ThreadPool& pool, int64_t rows, int64_t cols, Fn fn) {
  const int64_t grain = rows * cols < kSmallRows ? std::max<int64_t>(rows, 1) : kRowsPerTask;
  pool.ParallelFor(0, rows, grain, [&](int64_t begin, int64_t end, int /*thread*/) {
    for (int64_t row = begin; row < end; ++row) fn(row);
  });
}

}  // namespace

void CpuOps::Begin(const Batch& batch) {
  CHECK(batch.sequences <= config_.max_sequences, "{} sequences, planned for {}", batch.sequences,
        config_.max_sequences);
  CHECK(batch.outputs <= config_.max_outputs, "{} outputs, planned for {}", batch.outputs, config_.max_outputs);
  CHECK(batch.host_query_start.size() == static_cast<size_t>(batch.sequences) + 1 &&
        batch.host_context_len.size() == static_cast<size_t>(batch.sequences));
  CHECK(batch.host_query_start.front() == 0 && batch.host_query_start.back() == batch.tokens);
  attention_.Begin(batch);
}

void CpuOps::Embed(const Table& table, float scale, const Batch& batch, Mat out) {
  const CpuTable& rows = static_cast<const CpuTable&>(table);
  CheckShape("out", out, batch.tokens, rows.cols());
  ForRows(pool_, batch.tokens, rows.cols(), [&](int64_t t) {
    const int32_t id = batch.ids[t];
    rows.ReadRow(id >= 0 ? id : sampler_.LastToken(-1 - id), Row(out, t));
    if (scale != 1.0f) {
      for (int64_t i = 0; i < out.cols; ++i) Row(out, t)[i] *= scale;
    }
  });
}

void CpuOps::AddPositions(const Table& table, int offset, const Batch& batch, Mat x) {
  const CpuTable& rows = static_cast<const CpuTable&>(table);
  CheckShape("x", x, batch.tokens, rows.cols());
  const int64_t width = static_cast<int64_t>(table_row_.size() / sizeof(float));
  CHECK(x.cols <= width, "{} columns, planned for {}", x.cols, width);
  // By one thread: a row is copied and added in far less time than it takes to wake another.
  for (int t = 0; t < batch.tokens; ++t) {
    rows.ReadRow(batch.positions[t] + offset, table_row_.As<float>());
    kernels_.rows.add(table_row_.As<float>(), Row(x, t), x.cols);
  }
}

void CpuOps::AddNorm(const Vec& w, const NormSpec& spec, const Mat* delta, Mat x, Mat out) {
  const CpuVec& weight = static_cast<const CpuVec&>(w);
  CheckShape("x", x, x.rows, weight.size());
  CheckShape("out", out, x.rows, weight.size());
  if (delta != nullptr) CheckShape("delta", *delta, x.rows, weight.size());
  const NormFn norm = spec.kind == NormKind::kRms ? kernels_.rows.add_rms_norm : kernels_.rows.add_layer_norm;
  ForRows(pool_, x.rows, x.cols, [&](int64_t r) {
    norm({.w = weight.data(),
          .bias = weight.bias(),
          .delta = delta == nullptr ? nullptr : Row(*delta, r),
          .eps = spec.eps,
          .x = Row(x, r),
          .out = Row(out, r),
          .dim = weight.size()});
  });
}

void CpuOps::Attend(const AttnSpec& spec, const QkNormWeights& norms, int layer, const Batch& batch, Mat qkv, Mat out) {
  attention_.Attend(spec, norms, layer, batch, qkv, out);
}

void CpuOps::Experts(const FfnSpec& spec, const Linear& router, const Linear& gate_up, const Linear& down, Mat x,
                     Mat out, const Epilogue& epilogue) {
  experts_.Run(spec, router, gate_up, down, x, out, epilogue);
}

void CpuOps::AddGated(const Linear& gate, Mat x, Mat delta, float scale, Mat out) {
  experts_.AddGated(gate, x, delta, scale, out);
}

void CpuOps::Add(Mat delta, Mat x) {
  CheckShape("delta", delta, x.rows, x.cols);
  CheckShape("x", x, x.rows, x.cols);
  ForRows(pool_, x.rows, x.cols, [&](int64_t r) { kernels_.rows.add(Row(delta, r), Row(x, r), x.cols); });
}

void CpuOps::Softcap(float cap, Mat logits) {
  CheckShape("logits", logits, logits.rows, logits.cols);
  // A row of logits is wide enough for several threads.
  const int64_t pieces = CeilDiv(int64_t{logits.cols}, kSoftcapValues);
  pool_.ParallelFor(0, logits.rows * pieces, 1, [&](int64_t begin, int64_t end, int /*thread*/) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % pieces * kSoftcapValues;
      kernels_.rows.softcap(cap, Row(logits, i / pieces) + first, std::min(kSoftcapValues, logits.cols - first));
    }
  });
}

void CpuOps::GatherRows(const Batch& batch, Mat x, Mat out) {
  CheckShape("out", out, batch.outputs, x.cols);
  ForRows(pool_, batch.outputs, x.cols,
          [&](int64_t i) { std::copy_n(Row(x, batch.output_rows[i]), x.cols, Row(out, i)); });
}

void CpuOps::Sample(const Batch& batch, Mat logits, std::span<SampleResult> results) {
  sampler_.Sample(batch, logits, results);
}

void CpuOps::Download(const Mat& mat, std::span<float> out) {
  CHECK(mat.dtype == DType::kF32 && out.size() == static_cast<size_t>(mat.rows) * static_cast<size_t>(mat.cols),
        "{} elements for [{}, {}]", out.size(), mat.rows, mat.cols);
  for (int r = 0; r < mat.rows; ++r) std::copy_n(Row(mat, r), mat.cols, out.data() + int64_t{r} * mat.cols);
}

void CpuOps::SetSlot(const SlotStart& start) { sampler_.SetSlot(start); }

}  // namespace spate::cpu
