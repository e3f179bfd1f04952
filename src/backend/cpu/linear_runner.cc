#include "backend/cpu/linear_runner.h"

#include <algorithm>

#include "base/check.h"
#include "base/math_util.h"

namespace spate::cpu {
namespace {

constexpr int64_t kFewTokens = 8;  // Source::kPerThread
// Below this many multiplications the caller works alone: waking the others costs more.
constexpr int64_t kSerialWork = 64 << 10;

}  // namespace

LinearRunner::LinearRunner(const LinearKernels& kernels, ThreadPool& pool, int64_t max_tokens, int64_t max_cols)
    : kernels_(kernels),
      pool_(pool),
      max_tokens_(max_tokens),
      token_bytes_(ActivationRowBytes(kernels, max_cols)),
      shared_(static_cast<size_t>(max_tokens * token_bytes_)),
      stream_(pool.threads()) {
  for (int thread = 0; thread < pool.threads(); ++thread) {
    per_thread_.emplace_back(static_cast<size_t>(kFewTokens * token_bytes_));
    accumulators_.emplace_back(static_cast<size_t>(kTaskAccumulators) * sizeof(float));
    unpacked_.emplace_back(static_cast<size_t>(kUnpackedScratch));
  }
}

void LinearRunner::Apply(const CpuLinear& w, const Mat& x, const Mat& out, const Epilogue& epilogue) noexcept {
  CHECK(x.dtype == DType::kF32 && out.dtype == DType::kF32);
  CHECK(x.cols == w.cols() && x.rows == out.rows && out.cols == w.outputs(), "x [{}, {}], w [{}, {}], out [{}, {}]",
        x.rows, x.cols, w.rows(), w.cols(), out.rows, out.cols);
  CHECK(w.gated() == (epilogue.kind == Epilogue::Kind::kGate));
  CHECK(x.rows <= max_tokens_, "{} rows, planned for {}", x.rows, max_tokens_);
  if (x.rows == 0) return;

  Mat columns = out;
  for (const PackedMatrix& segment : w.segments()) {
    columns.cols = static_cast<int>(segment.outputs());
    ApplyPacked(segment, x, columns, epilogue);
    columns.data = static_cast<float*>(columns.data) + segment.outputs();
  }
}

void LinearRunner::ApplyPacked(const PackedMatrix& w, const Mat& x, const Mat& out, const Epilogue& epilogue) noexcept {
  LinearJob job(w, x, out);
  job.finish = FinishOf(kernels_, epilogue);
  job.scale = epilogue.scale;
  Source source = Source::kInPlace;
  job.token_bytes = x.stride * int64_t{sizeof(float)};
  if (w.kernels().activation != LinearKernels::Activation::kF32) {
    CHECK(ActivationRowBytes(kernels_, w.cols()) <= token_bytes_, "{} columns", w.cols());
    source = x.rows <= kFewTokens ? Source::kPerThread : Source::kShared;
    job.token_bytes = token_bytes_;
  }

  job.tile_tasks = CeilDiv(w.tiles(), kTaskTiles);
  job.token_tasks = CeilDiv(int64_t{x.rows}, kTaskTokens);
  const int64_t wanted = 4 * pool_.threads();  // enough for all threads to finish together
  if (job.tile_tasks * job.token_tasks < wanted && !IsOnePass(w.kernels(), x.rows)) {
    const int64_t most = CeilDiv(int64_t{x.rows}, 4 * w.kernels().gemm_tokens);
    job.token_tasks = std::clamp(CeilDiv(wanted, job.tile_tasks), job.token_tasks, std::max(job.token_tasks, most));
  }

  const int threads = w.rows() * w.cols() * x.rows <= kSerialWork ? 1 : pool_.threads();
  tasks_.Reset();
  stream_.Reset(job.tile_tasks * job.token_tasks, threads);
  if (threads == 1) return RunThread(job, source, 0, 1);
  pool_.Run([&](int thread) { RunThread(job, source, thread, threads); });
}

void LinearRunner::RunThread(const LinearJob& job, Source source, int thread, int threads) noexcept {
  const std::byte* x = static_cast<const std::byte*>(job.x.data);
  const auto convert = [&](int64_t row, std::byte* to) {
    ConvertRow(job.w, kernels_, static_cast<const float*>(job.x.data) + row * job.x.stride, to);
  };
  if (source == Source::kPerThread) {
    std::byte* own = per_thread_[static_cast<size_t>(thread)].data();
    for (int64_t row = 0; row < job.x.rows; ++row) convert(row, own + row * token_bytes_);
    x = own;
  } else if (source == Source::kShared) {
    const int64_t end = PartBegin(job.x.rows, threads, thread + 1);
    for (int64_t row = PartBegin(job.x.rows, threads, thread); row < end; ++row) {
      convert(row, shared_.data() + row * token_bytes_);
    }
    if (threads > 1) pool_.Sync(thread);
    x = shared_.data();
  }

  float* acc = accumulators_[static_cast<size_t>(thread)].As<float>();
  if (job.w.kernels().unpack != nullptr) return RunBlockFormat(job, thread, x, acc);
  if (IsOnePass(job.w.kernels(), job.x.rows)) return RunOnePass(job, thread, x, acc);
  RunBlocked(job, x, acc);
}

void LinearRunner::RunOnePass(const LinearJob& job, int thread, const std::byte* x, float* acc) noexcept {
  for (int64_t index = stream_.Next(thread); index >= 0; index = stream_.Next(thread)) {
    RunLinearTask(job, LinearTask(job, index), nullptr, x, acc);
  }
}

void LinearRunner::RunBlocked(const LinearJob& job, const std::byte* x, float* acc) noexcept {
  const int64_t tasks = job.tile_tasks * job.token_tasks;
  for (int64_t index = tasks_.Next(); index < tasks;) {
    const LinearTask task(job, index);
    index = tasks_.Next();  // before this one is computed, so that its weights can be fetched meanwhile
    const LinearTask next(job, std::min(index, tasks - 1));
    RunLinearTask(job, task, index < tasks ? &next : nullptr, x, acc);
  }
}

void LinearRunner::RunBlockFormat(const LinearJob& job, int thread, const std::byte* x, float* acc) noexcept {
  std::byte* unpacked = unpacked_[static_cast<size_t>(thread)].data();
  for (int64_t index = stream_.Next(thread); index >= 0; index = stream_.Next(thread)) {
    RunBlockTask(job, LinearTask(job, index), x, unpacked, acc);
  }
}

}  // namespace spate::cpu
