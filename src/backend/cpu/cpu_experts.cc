#include "backend/cpu/cpu_experts.h"

#include <algorithm>
#include <cmath>

#include "backend/cpu/linear_task.h"
#include "base/check.h"
#include "base/math_util.h"

namespace spate::cpu {
namespace {

// Below this many multiplications the caller works alone: waking the others costs more.
constexpr int64_t kSerialWork = 64 << 10;
// Router logits, and values of AddGated, below which one thread is done before the others are awake.
constexpr int64_t kSmallRows = 1 << 15;
constexpr int64_t kRowsPerTask = 16;
// Columns that one thread sums at a time: one token's row is shared among threads.
constexpr int64_t kCombineColumns = 512;

float* Row(const Mat& mat, int64_t row) { return static_cast<float*>(mat.data) + row * mat.stride; }

void CheckShape(const char* what, const Mat& mat, int64_t rows, int64_t cols) {
  CHECK(mat.dtype == DType::kF32 && mat.rows == rows && mat.cols == cols, "{} is {} [{}, {}], expected f32 [{}, {}]",
        what, Name(mat.dtype), mat.rows, mat.cols, rows, cols);
}

AlignedBuffer MakeRows(int64_t rows, int64_t cols) {
  return AlignedBuffer(rows == 0 ? 0 : static_cast<size_t>(rows * ExpertRows::RowBytes(cols)));
}

int64_t Grain(int64_t rows, int64_t cols) {
  return rows * cols < kSmallRows ? std::max<int64_t>(rows, 1) : kRowsPerTask;
}

}  // namespace

ExpertRunner::ExpertRunner(const OpsConfig& config, const KernelTable& kernels, LinearRunner& linear, ThreadPool& pool)
    : kernels_(kernels),
      linear_(linear),
      pool_(pool),
      max_tokens_(config.max_tokens),
      max_active_(config.max_active),
      logits_(static_cast<size_t>(max_tokens_ * std::max(config.max_experts, 1)) * sizeof(float)),
      chosen_(static_cast<size_t>(max_tokens_ * max_active_)),
      weights_(chosen_.size()),
      groups_(max_tokens_, config.max_experts, config.max_active),
      wide_(MakeRows(max_tokens_ * max_active_, config.dim)),
      hidden_(MakeRows(max_tokens_ * max_active_, config.max_hidden)),
      down_input_(MakeRows(max_tokens_ * max_active_, config.max_hidden)),
      up_(pool.threads(), config.max_experts),
      down_(pool.threads(), config.max_experts) {
  if (config.max_experts == 0) return;
  for (int thread = 0; thread < pool.threads(); ++thread) {
    accumulators_.emplace_back(static_cast<size_t>(kTaskAccumulators) * sizeof(float));
    unpacked_.emplace_back(static_cast<size_t>(kUnpackedScratch));
    summands_.emplace_back(static_cast<size_t>(max_active_));
  }
}

void ExpertRunner::Choose(const FfnSpec& spec, const Linear& router, const Mat& x) noexcept {
  const Mat logits{.data = logits_.data(), .rows = x.rows, .cols = spec.experts, .stride = spec.experts};
  CHECK(static_cast<size_t>(x.rows) * static_cast<size_t>(spec.experts) * sizeof(float) <= logits_.size() &&
            static_cast<size_t>(x.rows) * static_cast<size_t>(spec.active) <= chosen_.size(),
        "{} tokens with {} of {} experts were not planned", x.rows, spec.active, spec.experts);
  linear_.Apply(static_cast<const CpuLinear&>(router), x, logits, {});
  pool_.ParallelFor(0, x.rows, Grain(x.rows, spec.experts), [&](int64_t begin, int64_t end, int /*thread*/) {
    for (int64_t t = begin; t < end; ++t) {
      ChooseExperts(spec, Row(logits, t), chosen_.data() + t * spec.active, weights_.data() + t * spec.active);
    }
  });
  groups_.Reset({chosen_.data(), static_cast<size_t>(x.rows) * static_cast<size_t>(spec.active)}, spec.experts);
}

void ExpertRunner::Run(const FfnSpec& spec, const Linear& router, const Linear& gate_up, const Linear& down,
                       const Mat& x, const Mat& out, const Epilogue& epilogue) noexcept {
  CHECK(spec.active >= 1 && spec.active <= spec.experts, "{} of {} experts", spec.active, spec.experts);
  CHECK(router.rows() == spec.experts, "a router of {} rows, {} experts", router.rows(), spec.experts);
  CHECK(epilogue.kind == Epilogue::Kind::kStore || epilogue.kind == Epilogue::Kind::kAddTo);
  const auto up_of = [&](int e) -> const PackedMatrix& { return ExpertOf(gate_up, spec.experts, e); };
  const auto down_of = [&](int e) -> const PackedMatrix& { return ExpertOf(down, spec.experts, e); };
  CHECK(up_of(0).outputs() == spec.hidden && down_of(0).cols() == spec.hidden && up_of(0).gated() == spec.gated);
  CheckShape("x", x, x.rows, up_of(0).cols());
  CheckShape("out", out, x.rows, down_of(0).outputs());
  if (x.rows == 0) return;
  Choose(spec, router, x);

  const ExpertRows up_input(wide_.data(), x.cols), hidden(hidden_.data(), spec.hidden);
  const ExpertRows down_input(down_input_.data(), spec.hidden), results(wide_.data(), out.cols);
  const int choices = x.rows * spec.active;
  const int64_t wide_row = std::max(up_input.row_bytes, results.row_bytes);
  CHECK(static_cast<size_t>(choices * wide_row) <= wide_.size() &&
            static_cast<size_t>(choices * hidden.row_bytes) <= hidden_.size(),
        "{} choices of width {} and {} were not planned", choices, std::max(x.cols, out.cols), spec.hidden);
  const int threads = int64_t{choices} * x.cols * spec.hidden <= kSerialWork ? 1 : pool_.threads();
  const Epilogue act{.kind = spec.gated ? Epilogue::Kind::kGate : Epilogue::Kind::kAct, .act = spec.act};
  up_.Reset({.stack = &gate_up,
             .experts = spec.experts,
             .groups = groups_.groups(),
             .x = &up_input,
             .out = &hidden,
             .finish = FinishOf(kernels_.linear, act)},
            threads);
  down_.Reset({.stack = &down,
               .experts = spec.experts,
               .groups = groups_.groups(),
               .x = &down_input,
               .out = &results,
               .finish = kernels_.linear.store},
              threads);

  const auto work = [&](int thread) {
    const auto sync = [&] {
      if (threads > 1) pool_.Sync(thread);
    };
    float* acc = accumulators_[static_cast<size_t>(thread)].As<float>();
    std::byte* unpacked = unpacked_[static_cast<size_t>(thread)].data();
    const int begin = static_cast<int>(PartBegin(choices, threads, thread));
    const int end = static_cast<int>(PartBegin(choices, threads, thread + 1));
    for (int c = begin; c < end; ++c) {
      const PackedMatrix& expert = up_of(chosen_[static_cast<size_t>(c)]);
      ConvertRow(expert, kernels_.linear, Row(x, c / spec.active), up_input.At(groups_.row(c)));
    }
    sync();
    up_.Run(thread, acc, unpacked);
    sync();
    for (int c = begin; c < end; ++c) {
      const PackedMatrix& expert = down_of(chosen_[static_cast<size_t>(c)]);
      ConvertRow(expert, kernels_.linear, hidden.F32(groups_.row(c)), down_input.At(groups_.row(c)));
    }
    sync();
    down_.Run(thread, acc, unpacked);
    sync();
    Combine(spec.active, results, out, epilogue, thread, threads);
  };
  if (threads == 1) return work(0);
  pool_.Run(work);
}

void ExpertRunner::Combine(int active, const ExpertRows& results, const Mat& out, const Epilogue& epilogue, int thread,
                           int threads) noexcept {
  const int64_t pieces = CeilDiv(int64_t{out.cols}, kCombineColumns);
  std::vector<const float*>& rows = summands_[static_cast<size_t>(thread)];
  const int64_t end = PartBegin(out.rows * pieces, threads, thread + 1);
  for (int64_t piece = PartBegin(out.rows * pieces, threads, thread); piece < end; ++piece) {
    const int64_t token = piece / pieces;
    const int64_t column = piece % pieces * kCombineColumns;
    for (int i = 0; i < active; ++i) {
      rows[static_cast<size_t>(i)] = results.F32(groups_.row(static_cast<int>(token) * active + i)) + column;
    }
    kernels_.experts.weighted_sum({.rows = rows.data(),
                                   .weights = weights_.data() + token * active,
                                   .count = active,
                                   .scale = epilogue.scale,
                                   .add = epilogue.kind == Epilogue::Kind::kAddTo,
                                   .out = Row(out, token) + column,
                                   .columns = std::min(kCombineColumns, out.cols - column)});
  }
}

void ExpertRunner::AddGated(const Linear& gate, const Mat& x, const Mat& delta, float scale, const Mat& out) noexcept {
  CHECK(gate.rows() == 1, "a gate of {} rows", gate.rows());
  CheckShape("delta", delta, x.rows, out.cols);
  CheckShape("out", out, x.rows, out.cols);
  CHECK(static_cast<size_t>(x.rows) * sizeof(float) <= logits_.size(), "{} rows were not planned", x.rows);
  const Mat logits{.data = logits_.data(), .rows = x.rows, .cols = 1, .stride = 1};
  linear_.Apply(static_cast<const CpuLinear&>(gate), x, logits, {});
  pool_.ParallelFor(0, x.rows, Grain(x.rows, out.cols), [&](int64_t begin, int64_t end, int /*thread*/) {
    for (int64_t t = begin; t < end; ++t) {
      const float* row = Row(delta, t);
      const auto weight = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(*Row(logits, t)))));
      kernels_.experts.weighted_sum({.rows = &row,
                                     .weights = &weight,
                                     .count = 1,
                                     .scale = scale,
                                     .add = true,
                                     .out = Row(out, t),
                                     .columns = out.cols});
    }
  });
}

}  // namespace spate::cpu
