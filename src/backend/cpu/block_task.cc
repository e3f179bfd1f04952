// Matrices in block formats. Few tokens: straight from memory. Many: some groups of a task's tiles are unpacked into
// the cache, then all tokens pass, and so on; the arithmetic of an output does not depend on how many groups that are.
#include <algorithm>

#include "backend/cpu/linear_task.h"
#include "base/math_util.h"
#include "quant/int8_group.h"

namespace spate::cpu {
namespace {

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

// Groups [begin, end) of k of the task's tiles: [tile][group].
void UnpackGroups(const PackedMatrix& w, const LinearTask& task, int64_t begin, int64_t end, std::byte* unpacked) {
  const int64_t per_block = Traits(w.format()).block_elements / kInt8Group;
  for (int64_t group = begin; group < end; ++group) {
    for (int64_t tile = 0; tile < task.tiles; ++tile) {
      w.kernels().unpack({.unit = w.At(task.tile_begin + tile, group / per_block),
                          .group = static_cast<int>(group % per_block),
                          .out = unpacked + (tile * kUnpackedGroups + group - begin) * kUnpackedBytes});
    }
  }
}

}  // namespace

void RunBlockTask(const LinearJob& job, const LinearTask& task, const std::byte* x, std::byte* unpacked,
                  float* acc) noexcept {
  const PackedMatrix& w = job.w;
  const LinearKernels::Format& kernels = w.kernels();
  if (IsOnePass(kernels, task.tokens)) {
    MultiplyFew(job, task, x, acc);
    return FinishTokens(job, task, 0, task.tokens, acc);
  }
  const int64_t parts = CeilDiv(task.tokens, kernels.gemm_tokens);
  const int64_t stride = task.tiles * kTileRows;
  const int64_t groups = w.cols() / kInt8Group;
  for (int64_t begin = 0; begin < groups; begin += kUnpackedGroups) {
    const int64_t end = std::min(begin + kUnpackedGroups, groups);
    UnpackGroups(w, task, begin, end, unpacked);
    for (int64_t part = 0; part < parts; ++part) {
      const int64_t first = PartBegin(task.tokens, parts, part);
      const int64_t count = PartBegin(task.tokens, parts, part + 1) - first;
      kernels.multiply_unpacked[count - 1](
          {.w = unpacked,
           .tile_bytes = kUnpackedGroups * kUnpackedBytes,
           .groups = end - begin,
           .tiles = static_cast<int>(task.tiles),
           .x = x + (task.token_begin + first) * job.token_bytes + begin * Int8Layout::kGroupBytes,
           .token_bytes = job.token_bytes,
           .acc = acc + first * stride,
           .acc_stride = stride,
           .first = begin == 0});
      if (end == groups) FinishTokens(job, task, first, count, acc + first * stride);
    }
  }
}

}  // namespace spate::cpu
