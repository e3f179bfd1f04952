// Matrices in block formats. Few tokens: straight from memory. Many: some k of a task's tiles become f32 in the cache,
// then all tokens pass, and so on; the arithmetic of an output does not depend on how many k that are.
#include <algorithm>

#include "backend/cpu/linear_task.h"
#include "base/math_util.h"

namespace spate::cpu {
namespace {

// Slices that are unpacked at a time: every group of tokens reads them, and loads and stores its accumulators each
// time.
constexpr int64_t kSlicesAtOnce = kUnpackedFloats / (kSliceK * kTaskTiles * kTileRows);

void MultiplyFew(const LinearJob& job, const LinearTask& task, const std::byte* x, float* acc) {
  const PackedMatrix& w = job.w;
  w.kernels().multiply_blocks[task.tokens - 1]({.w = w.At(task.tile_begin, 0),
                                                .step_bytes = w.StepBytes(task.tile_begin),
                                                .blocks = w.steps(),
                                                .tiles = static_cast<int>(task.tiles),
                                                .x = x + task.token_begin * job.token_bytes,
                                                .token_bytes = job.token_bytes,
                                                .acc = acc,
                                                .acc_stride = task.tiles * kTileRows});
}

// Slices [begin, end) of k of the task's tiles: [k][tile][16].
void UnpackSlices(const PackedMatrix& w, const LinearTask& task, int64_t begin, int64_t end, float* unpacked) {
  const int64_t per_block = Traits(w.format()).block_elements / kSliceK;
  const int64_t stride = task.tiles * kTileRows;
  for (int64_t slice = begin; slice < end; ++slice) {
    for (int64_t tile = 0; tile < task.tiles; ++tile) {
      w.kernels().unpack({.unit = w.At(task.tile_begin + tile, slice / per_block),
                          .slice = static_cast<int>(slice % per_block),
                          .out = unpacked + (slice - begin) * kSliceK * stride + tile * kTileRows,
                          .out_stride = stride});
    }
  }
}

}  // namespace

void RunBlockTask(const LinearJob& job, const LinearTask& task, const std::byte* x, float* unpacked,
                  float* acc) noexcept {
  const PackedMatrix& w = job.w;
  const LinearKernels::Format& kernels = w.kernels();
  if (IsOnePass(kernels, task.tokens)) {
    MultiplyFew(job, task, x, acc);
    return FinishTokens(job, task, 0, task.tokens, acc);
  }
  const int64_t groups = CeilDiv(task.tokens, kernels.gemm_tokens);
  const int64_t stride = task.tiles * kTileRows;
  const int64_t slices = w.cols() / kSliceK;
  for (int64_t begin = 0; begin < slices; begin += kSlicesAtOnce) {
    const int64_t end = std::min(begin + kSlicesAtOnce, slices);
    UnpackSlices(w, task, begin, end, unpacked);
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t first = PartBegin(task.tokens, groups, group);
      const int64_t count = PartBegin(task.tokens, groups, group + 1) - first;
      for (int64_t tile = 0; tile < task.tiles; tile += kernels.gemm_tiles) {
        const int64_t n = std::min<int64_t>(kernels.gemm_tiles, task.tiles - tile);
        const float* tiles = unpacked + tile * kTileRows;
        kernels.multiply[n - 1][count - 1](
            {.w = reinterpret_cast<const std::byte*>(tiles),
             .step_bytes = stride * int64_t{sizeof(float)},
             .x = x + (task.token_begin + first) * job.token_bytes + begin * kSliceK * int64_t{sizeof(float)},
             .token_bytes = job.token_bytes,
             .steps = (end - begin) * kSliceK,
             .acc = acc + first * stride + tile * kTileRows,
             .acc_stride = stride,
             .first = begin == 0,
             .prefetch = nullptr,
             .prefetch_stride = 0});
      }
      if (end == slices) FinishTokens(job, task, first, count, acc + first * stride);
    }
  }
}

}  // namespace spate::cpu
