#include "backend/cpu/linear_runner.h"

#include <algorithm>

#include "base/check.h"
#include "base/math_util.h"

namespace spate::cpu {
namespace {

// Up to this many tokens every thread converts the activations for itself: cheaper than a barrier.
constexpr int64_t kFewTokens = 8;
// A task is this many tiles (64 outputs) times at most this many tokens.
constexpr int64_t kTaskTiles = 4;
constexpr int64_t kBlockTokens = 256;
// Weights of a task that are kept in the L2 cache while tokens pass: a quarter of its 1 MiB.
constexpr int64_t kBlockBytes = 256 << 10;
// Below this many multiplications the caller works alone: waking the others costs more.
constexpr int64_t kSerialWork = 64 << 10;

// `total` in `count` parts that differ by at most one: where part i begins.
int64_t PartBegin(int64_t total, int64_t count, int64_t i) { return total / count * i + std::min(i, total % count); }

int64_t ActivationBytes(LinearKernels::Activation activation) {  // of one k
  return activation == LinearKernels::Activation::kBF16 ? 2 : 4;
}

}  // namespace

struct LinearRunner::Job {
  const CpuLinear& w;
  const Mat& x;
  const Mat& out;
  FinishFn finish;
  const std::byte* activations;  // of every token; null = each thread converts for itself
  int64_t token_bytes;           // from token to token
  int64_t step_k;                // k of a kernel's step
  int64_t tile_tasks;
  int64_t token_tasks;
  bool serial;
};

LinearRunner::LinearRunner(const LinearKernels& kernels, ThreadPool& pool, int64_t max_tokens, int64_t max_cols)
    : kernels_(kernels),
      pool_(pool),
      max_tokens_(max_tokens),
      // A cache line more than a power of two: else all tokens of a kernel share one set of the cache.
      token_bytes_(AlignUp(AlignUp(max_cols, 2) * ActivationBytes(kernels.bf16.activation), 128) + 64),
      activations_(static_cast<size_t>(max_tokens * token_bytes_)) {
  for (int thread = 0; thread < pool.threads(); ++thread) {
    thread_activations_.emplace_back(static_cast<size_t>(kFewTokens * token_bytes_));
    accumulators_.emplace_back(static_cast<size_t>(kBlockTokens * kTaskTiles * kTileRows) * sizeof(float));
  }
}

void LinearRunner::Apply(const CpuLinear& w, const Mat& x, const Mat& out, const Epilogue& epilogue) noexcept {
  CHECK(x.dtype == DType::kF32 && out.dtype == DType::kF32);
  CHECK(x.cols == w.cols() && x.rows == out.rows && out.cols == w.outputs(), "x [{}, {}], w [{}, {}], out [{}, {}]",
        x.rows, x.cols, w.rows(), w.cols(), out.rows, out.cols);
  CHECK(w.gated() == (epilogue.kind == Epilogue::Kind::kGate));
  CHECK(x.rows <= max_tokens_, "{} rows, planned for {}", x.rows, max_tokens_);
  if (x.rows == 0) return;

  Job job{.w = w,
          .x = x,
          .out = out,
          .finish = kernels_.store,
          .activations = nullptr,
          .token_bytes = token_bytes_,
          .step_k = w.format() == DType::kBF16 ? 2 : 1,
          .tile_tasks = CeilDiv(w.tiles(), kTaskTiles),
          .token_tasks = CeilDiv(int64_t{x.rows}, kBlockTokens),
          .serial = false};
  if (epilogue.kind == Epilogue::Kind::kAddTo) job.finish = kernels_.add;
  if (epilogue.kind == Epilogue::Kind::kGate) job.finish = kernels_.gate_silu;
  if (w.kernels().activation == LinearKernels::Activation::kF32) {
    job.activations = static_cast<const std::byte*>(x.data);
    job.token_bytes = x.stride * int64_t{sizeof(float)};
  } else {
    CHECK(AlignUp(w.cols(), 2) * ActivationBytes(w.kernels().activation) <= token_bytes_, "{} columns", w.cols());
    if (x.rows > kFewTokens) job.activations = activations_.data();
  }
  // Enough tasks for all threads to finish together.
  const int64_t wanted = 4 * pool_.threads();
  if (job.tile_tasks * job.token_tasks < wanted) {
    const int64_t most = CeilDiv(int64_t{x.rows}, 4 * w.kernels().gemm_tokens);
    job.token_tasks = std::clamp(CeilDiv(wanted, job.tile_tasks), job.token_tasks, std::max(job.token_tasks, most));
  }
  tasks_.Reset();
  job.serial = w.rows() * w.cols() * x.rows <= kSerialWork || pool_.threads() == 1;
  if (job.serial) return RunThread(job, 0);
  pool_.Run([&](int thread) { RunThread(job, thread); });
}

void LinearRunner::RunThread(const Job& job, int thread) noexcept {
  const std::byte* x = job.activations;
  if (x == nullptr) {
    std::byte* own = thread_activations_[static_cast<size_t>(thread)].data();
    for (int64_t row = 0; row < job.x.rows; ++row) ConvertRow(job, row, own + row * token_bytes_);
    x = own;
  } else if (x == activations_.data()) {
    const int64_t threads = job.serial ? 1 : pool_.threads();
    const int64_t end = PartBegin(job.x.rows, threads, thread + 1);
    for (int64_t row = PartBegin(job.x.rows, threads, thread); row < end; ++row) {
      ConvertRow(job, row, activations_.data() + row * token_bytes_);
    }
    if (!job.serial) pool_.Sync(thread);
  }
  float* acc = accumulators_[static_cast<size_t>(thread)].As<float>();
  const int64_t tasks = job.tile_tasks * job.token_tasks;
  for (int64_t task = tasks_.Next(); task < tasks; task = tasks_.Next()) RunTask(job, task, x, acc);
}

void LinearRunner::ConvertRow(const Job& job, int64_t row, std::byte* to) const {
  const float* from = static_cast<const float*>(job.x.data) + row * job.x.stride;
  if (job.w.kernels().activation == LinearKernels::Activation::kBF16) {
    kernels_.to_bf16(from, job.w.cols(), reinterpret_cast<uint16_t*>(to));
  } else {
    kernels_.round_to_bf16(from, job.w.cols(), reinterpret_cast<float*>(to));
  }
}

void LinearRunner::RunTask(const Job& job, int64_t task, const std::byte* x, float* acc) const {
  const CpuLinear& w = job.w;
  const LinearKernels::Format& kernels = w.kernels();
  const int64_t tile_begin = task % job.tile_tasks * kTaskTiles;
  const int64_t tiles = std::min(kTaskTiles, w.tiles() - tile_begin);
  const int64_t token_begin = PartBegin(job.x.rows, job.token_tasks, task / job.tile_tasks);
  const int64_t tokens = PartBegin(job.x.rows, job.token_tasks, task / job.tile_tasks + 1) - token_begin;
  const int64_t groups = CeilDiv(tokens, kernels.gemm_tokens);
  const int64_t shape_tiles = tokens == 1 ? kernels.gemv_tiles : kernels.gemm_tiles;

  const int64_t steps = CeilDiv(w.cols(), job.step_k);
  const int64_t step_bytes = w.tile_bytes() / steps;
  const int64_t x_step_bytes = job.step_k * ActivationBytes(kernels.activation);
  const int64_t blocks = groups == 1 ? 1 : CeilDiv(steps * step_bytes * tiles, kBlockBytes);
  const int64_t acc_stride = tiles * kTileRows;

  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t step_begin = PartBegin(steps, blocks, block);
    const int64_t step_end = PartBegin(steps, blocks, block + 1);
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t first = PartBegin(tokens, groups, group);
      const int64_t count = PartBegin(tokens, groups, group + 1) - first;
      float* group_acc = blocks == 1 ? acc : acc + first * acc_stride;
      for (int64_t tile = 0; tile < tiles; tile += shape_tiles) {
        const int64_t n = std::min(shape_tiles, tiles - tile);
        kernels.multiply[n - 1][count - 1]({.w = w.Tile(tile_begin + tile) + step_begin * step_bytes,
                                            .tile_bytes = w.tile_bytes(),
                                            .x = x + (token_begin + first) * job.token_bytes + step_begin * x_step_bytes,
                                            .token_bytes = job.token_bytes,
                                            .steps = step_end - step_begin,
                                            .acc = group_acc + tile * kTileRows,
                                            .acc_stride = acc_stride,
                                            .first = block == 0});
      }
      if (block + 1 < blocks) continue;
      const int64_t output = (w.gated() ? tile_begin / 2 : tile_begin) * kTileRows;
      job.finish({.acc = group_acc,
                  .acc_stride = acc_stride,
                  .bias = w.Bias(tile_begin),
                  .tokens = static_cast<int>(count),
                  .tiles = static_cast<int>(tiles),
                  .out = static_cast<float*>(job.out.data) + (token_begin + first) * job.out.stride + output,
                  .out_stride = job.out.stride,
                  .outputs = static_cast<int>(std::min<int64_t>(w.outputs() - output, kTaskTiles * kTileRows))});
    }
  }
}

}  // namespace spate::cpu
