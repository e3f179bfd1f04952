// How one Apply of a packed matrix is cut into tasks and a task into kernel calls. Plain functions; linear_runner.h
// hands the tasks to threads.
#pragma once

#include <cstdint>

#include "backend/cpu/linear_kernels.h"
#include "backend/cpu/packed_matrix.h"
#include "backend/ops.h"

namespace spate::cpu {

// A task is a group of tiles (64 outputs) times at most this many tokens: their accumulators and the part of the
// activations that they use at a time stay in the L2 cache.
inline constexpr int64_t kTaskTiles = kMaxTiles;  // a group
inline constexpr int64_t kTaskTokens = 192;
inline constexpr int64_t kTaskAccumulators = kTaskTokens * kTaskTiles * kTileRows;

struct LinearJob {
  LinearJob(const PackedMatrix& linear, const Mat& activations, const Mat& result)
      : w(linear), x(activations), out(result) {}

  const PackedMatrix& w;
  const Mat& x;
  const Mat& out;
  FinishFn finish = nullptr;
  float scale = 1;          // FinishArgs::scale
  int64_t token_bytes = 0;  // of converted activations, from token to token
  int64_t tile_tasks = 0;   // tasks along the outputs
  int64_t token_tasks = 0;  // and along the tokens
};

struct LinearTask {
  LinearTask(const LinearJob& job, int64_t index);  // 0 <= index < tile_tasks * token_tasks

  int64_t tile_begin, tiles;
  int64_t token_begin, tokens;
};

// `total` in `count` parts that differ by at most one: where part i begins.
inline int64_t PartBegin(int64_t total, int64_t count, int64_t i) {
  return total / count * i + (i < total % count ? i : total % count);
}

// Bytes of one k of one token as a kernel reads it, unless that is Int8Layout.
inline int64_t ActivationBytes(LinearKernels::Activation activation) {
  return activation == LinearKernels::Activation::kBF16 ? 2 : 4;
}
// Bytes of a row of activations of any kind, for scratch.
int64_t ActivationRowBytes(const LinearKernels& kernels, int64_t cols);

// One row of activations as the kernels of `w` read it.
void ConvertRow(const PackedMatrix& w, const LinearKernels& kernels, const float* from, std::byte* to) noexcept;

// What puts sums where an epilogue wants them; its scale goes into LinearJob::scale.
FinishFn FinishOf(const LinearKernels& kernels, const Epilogue& epilogue);

// Whether a kernel takes so many tokens at once, so that weights are read once.
inline bool IsOnePass(const LinearKernels::Format& kernels, int64_t tokens) {
  return tokens <= kernels.one_pass_tokens;
}

// Computes the task's outputs. `next` is what the same thread will do afterwards (or null): its weights are fetched
// while this task computes. x: converted activations of all tokens; acc: scratch of kTaskAccumulators floats.
void RunLinearTask(const LinearJob& job, const LinearTask& task, const LinearTask* next, const std::byte* x,
                   float* acc) noexcept;

// The same of a matrix in a block format. unpacked: scratch of kUnpackedScratch bytes.
inline constexpr int64_t kUnpackedGroups = 8;  // of a tile, unpacked at a time
inline constexpr int64_t kUnpackedScratch = kUnpackedGroups * kTaskTiles * kUnpackedBytes;  // stays in the L1 cache
void RunBlockTask(const LinearJob& job, const LinearTask& task, const std::byte* x, std::byte* unpacked,
                  float* acc) noexcept;

// Bias, epilogue and storing of `count` tokens from the task's `first` on, whose sums are in `acc`.
void FinishTokens(const LinearJob& job, const LinearTask& task, int64_t first, int64_t count,
                  const float* acc) noexcept;

}  // namespace spate::cpu
