// Matrices in block formats: some k of a task's tiles become f32 in the cache, then all tokens pass, and so on. The
// arithmetic of an output does not depend on how many k that are.
#include <algorithm>

#include "backend/cpu/linear_task.h"
#include "base/math_util.h"

namespace spate::cpu {
namespace {

// Slices that are unpacked at a time. With all tokens at once the buffer is used once: it should stay in the L1 cache
// (16 KiB of four tiles). With more it is read by every group of tokens, whose accumulators come and go each time.
constexpr int64_t kFewSlices = 2;
constexpr int64_t kManySlices = 8;
static_assert(kManySlices * kSliceK * kTaskTiles * kTileRows <= kUnpackedFloats);

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
  const bool one_pass = IsOnePass(kernels, task.tokens);
  const int64_t groups = one_pass ? 1 : CeilDiv(task.tokens, kernels.gemm_tokens);
  const int64_t tiles_at_once = one_pass ? task.tiles : kernels.gemm_tiles;
  const int64_t stride = task.tiles * kTileRows;
  const int64_t slices = w.cols() / kSliceK;
  const int64_t slices_at_once = one_pass ? kFewSlices : kManySlices;
  for (int64_t begin = 0; begin < slices; begin += slices_at_once) {
    const int64_t end = std::min(begin + slices_at_once, slices);
    UnpackSlices(w, task, begin, end, unpacked);
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t first = PartBegin(task.tokens, groups, group);
      const int64_t count = PartBegin(task.tokens, groups, group + 1) - first;
      for (int64_t tile = 0; tile < task.tiles; tile += tiles_at_once) {
        const int64_t n = std::min(tiles_at_once, task.tiles - tile);
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
