#include "backend/cpu/linear_task.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/math_util.h"
#include "quant/int8_group.h"

namespace spate::cpu {
namespace {

// Weights of a task that stay in the L2 cache while its tokens pass: a quarter of 1 MiB, beside those that follow, the
// accumulators and the activations.
constexpr int64_t kBlockBytes = 256 << 10;

// Weights that are read once are fetched this many bytes early, with few tokens and with more, where a step of the
// kernel computes so long that the processor cannot look far enough ahead by itself. Chosen by linear_bench on Zen 5 (0
// to 4 KiB were tried).
constexpr int64_t kFetchAheadFew = 512;
constexpr int64_t kFetchAhead = 4096;

// Steps [begin, end) of k of a task's tiles.
struct Block {
  const LinearTask* task;
  int64_t begin, end;
};

struct Shape {
  explicit Shape(const LinearJob& job)
      : steps(job.w.steps()),
        x_step_bytes(ActivationBytes(job.w.kernels().activation) * (job.w.format() == DType::kBF16 ? 2 : 1)) {}

  int64_t steps;         // of the whole k: pairs for bf16
  int64_t x_step_bytes;  // of a token's activations
};

// All tokens and tiles of the task at once, weights straight from memory.
void MultiplyOnePass(const LinearJob& job, const Shape& shape, const LinearTask& task, const std::byte* x, float* acc) {
  const std::byte* data = job.w.At(task.tile_begin, 0);
  const int64_t step_bytes = job.w.StepBytes(task.tile_begin);
  job.w.kernels().multiply[task.tiles - 1][task.tokens - 1](
      {.w = data,
       .step_bytes = step_bytes,
       .x = x,
       .token_bytes = job.token_bytes,
       .steps = shape.steps,
       .acc = acc,
       .acc_stride = task.tiles * kTileRows,
       .first = true,
       .prefetch = data + (task.tokens < kPrefetchTokens ? kFetchAheadFew : kFetchAhead),
       .prefetch_stride = step_bytes});
}

// Group `group` of `groups` of the task's tokens with one block of weights, which the cache keeps from group to group.
// Meanwhile this group's share of the following block is fetched.
void MultiplyGroup(const LinearJob& job, const Shape& shape, const Block& block, const Block& following, int64_t group,
                   int64_t groups, const std::byte* x, int64_t tokens, float* acc) {
  const PackedMatrix& w = job.w;
  const LinearKernels::Format& kernels = w.kernels();
  const LinearTask& task = *block.task;
  const int64_t steps = block.end - block.begin;
  const int64_t step_bytes = w.StepBytes(task.tile_begin);

  const std::byte* ahead = x;
  int64_t stride = 0;
  if (following.task != nullptr) {
    const int64_t bytes = (following.end - following.begin) * w.StepBytes(following.task->tile_begin);
    ahead = w.At(following.task->tile_begin, following.begin) + bytes * group / groups;
    const int64_t calls = CeilDiv(task.tiles, int64_t{kernels.gemm_tiles});
    stride = CeilDiv(bytes, groups * calls * steps);
  }
  for (int64_t tile = 0; tile < task.tiles; tile += kernels.gemm_tiles) {
    const int64_t n = std::min<int64_t>(kernels.gemm_tiles, task.tiles - tile);
    kernels.multiply[n - 1][tokens - 1]({.w = w.At(task.tile_begin + tile, block.begin),
                                         .step_bytes = step_bytes,
                                         .x = x + block.begin * shape.x_step_bytes,
                                         .token_bytes = job.token_bytes,
                                         .steps = steps,
                                         .acc = acc + tile * kTileRows,
                                         .acc_stride = task.tiles * kTileRows,
                                         .first = block.begin == 0,
                                         .prefetch = ahead,
                                         .prefetch_stride = stride});
    ahead += stride * steps;
  }
}

}  // namespace

LinearTask::LinearTask(const LinearJob& job, int64_t index)
    : tile_begin(index % job.tile_tasks * kTaskTiles),
      tiles(std::min(kTaskTiles, job.w.tiles() - tile_begin)),
      token_begin(PartBegin(job.x.rows, job.token_tasks, index / job.tile_tasks)),
      tokens(PartBegin(job.x.rows, job.token_tasks, index / job.tile_tasks + 1) - token_begin) {}

void FinishTokens(const LinearJob& job, const LinearTask& task, int64_t first, int64_t count,
                  const float* acc) noexcept {
  const PackedMatrix& w = job.w;
  const int64_t output = (w.gated() ? task.tile_begin / 2 : task.tile_begin) * kTileRows;
  job.finish({.acc = acc,
              .acc_stride = task.tiles * kTileRows,
              .bias = w.Bias(task.tile_begin),
              .tokens = static_cast<int>(count),
              .tiles = static_cast<int>(task.tiles),
              .out = static_cast<float*>(job.out.data) + (task.token_begin + first) * job.out.stride + output,
              .out_stride = job.out.stride,
              .outputs = static_cast<int>(std::min<int64_t>(w.outputs() - output, kTaskTiles * kTileRows)),
              .scale = job.scale});
}

FinishFn FinishOf(const LinearKernels& kernels, const Epilogue& epilogue) {
  const size_t act = static_cast<size_t>(epilogue.act);
  switch (epilogue.kind) {
    case Epilogue::Kind::kStore:
      return kernels.store;
    case Epilogue::Kind::kAddTo:
      return kernels.add;
    case Epilogue::Kind::kAct:
      return kernels.act[act];
    case Epilogue::Kind::kGate:
      return kernels.gate[act];
  }
  CHECK(false, "epilogue {}", static_cast<int>(epilogue.kind));
}

int64_t ActivationRowBytes(const LinearKernels& kernels, int64_t cols) {
  const int64_t plain = AlignUp(cols, 2) * ActivationBytes(kernels.bf16.activation);
  const int64_t int8 = CeilDiv(cols, kInt8Group) * Int8Layout::kGroupBytes;
  // A cache line more than a power of two: else all tokens of a kernel share one set of the cache.
  return AlignUp(std::max(plain, int8), 128) + 64;
}

void ConvertRow(const PackedMatrix& w, const LinearKernels& kernels, const float* from, std::byte* to) noexcept {
  switch (w.kernels().activation) {
    case LinearKernels::Activation::kF32:
      std::memcpy(to, from, static_cast<size_t>(w.cols()) * sizeof(float));
      return;
    case LinearKernels::Activation::kBF16:
      return kernels.to_bf16(from, w.cols(), reinterpret_cast<uint16_t*>(to));
    case LinearKernels::Activation::kF32OfBF16:
      return kernels.round_to_bf16(from, w.cols(), reinterpret_cast<float*>(to));
    case LinearKernels::Activation::kInt8:
      return kernels.to_int8(from, w.cols(), to);
  }
}

void RunLinearTask(const LinearJob& job, const LinearTask& task, const LinearTask* next, const std::byte* x,
                   float* acc) noexcept {
  const PackedMatrix& w = job.w;
  const Shape shape(job);
  const bool one_pass = IsOnePass(w.kernels(), task.tokens);
  const int64_t groups = one_pass ? 1 : CeilDiv(task.tokens, w.kernels().gemm_tokens);
  const int64_t blocks = one_pass ? 1 : CeilDiv(w.steps() * w.StepBytes(task.tile_begin), kBlockBytes);
  const int64_t acc_stride = task.tiles * kTileRows;

  for (int64_t b = 0; b < blocks; ++b) {
    const bool last = b + 1 == blocks;
    const auto block_at = [&](const LinearTask* of, int64_t index) -> Block {
      return {of, PartBegin(shape.steps, blocks, index), PartBegin(shape.steps, blocks, index + 1)};
    };
    const Block block = block_at(&task, b);
    const Block following = last ? block_at(next, 0) : block_at(&task, b + 1);
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t first = PartBegin(task.tokens, groups, group);
      const int64_t count = PartBegin(task.tokens, groups, group + 1) - first;
      const std::byte* group_x = x + (task.token_begin + first) * job.token_bytes;
      float* group_acc = blocks == 1 ? acc : acc + first * acc_stride;  // kept from block to block
      if (one_pass) {
        MultiplyOnePass(job, shape, task, group_x, group_acc);
      } else {
        MultiplyGroup(job, shape, block, following, group, groups, group_x, count, group_acc);
      }
      if (!last) continue;
      FinishTokens(job, task, first, count, group_acc);
    }
  }
}

}  // namespace spate::cpu
