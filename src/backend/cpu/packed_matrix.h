// PackedMatrix: rows of one format in packed tiles (linear_kernels.h) with the kernels of that format. Immutable; any
// thread may read it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "backend/cpu/linear_kernels.h"
#include "backend/linear.h"
#include "base/aligned_buffer.h"
#include "base/thread_pool.h"

namespace spate::cpu {

class PackedMatrix {
 public:
  // Packs parts (and biases) that CheckKept accepted for `format`, with all threads of the pool. Throws Error where the
  // result does not fit into memory.
  PackedMatrix(const LinearSource& source, bool gated, DType format, const LinearKernels& kernels, ThreadPool& pool);

  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  DType format() const { return format_; }
  int64_t bytes() const { return tiles_ * steps_ * unit_; }

  const LinearKernels::Format& kernels() const { return *kernels_; }
  bool gated() const { return gated_; }
  int64_t outputs() const { return gated_ ? rows() / 2 : rows(); }  // columns of an Apply's result
  int64_t tiles() const { return tiles_; }                          // gated: gate, up, gate, up, ...
  int64_t steps() const { return steps_; }                          // of k: pairs for bf16, blocks for block formats
  // From step to step in the group that holds `tile`.
  int64_t StepBytes(int64_t tile) const { return std::min<int64_t>(kMaxTiles, tiles_ - GroupOf(tile)) * unit_; }
  // A tile's weights of one step; those of the group's next tile lie behind them.
  const std::byte* At(int64_t tile, int64_t step) const {
    return weights_.data() + GroupOf(tile) * steps_ * unit_ + step * StepBytes(tile) + (tile - GroupOf(tile)) * unit_;
  }
  // Of a tile's 16 outputs; null = no bias.
  const float* Bias(int64_t tile) const { return bias_.size() == 0 ? nullptr : bias_.As<float>() + tile * kTileRows; }

  // Row `row` of the stacked parts as f32.                                out [cols]
  void ReadRow(int64_t row, float* out) const;

 private:
  struct Place {
    int64_t tile;
    int lane;
  };
  Place Find(int64_t row) const;
  static int64_t GroupOf(int64_t tile) { return tile / kMaxTiles * kMaxTiles; }  // its first tile

  void PackBias(const LinearSource& source);

  DType format_;
  const LinearKernels::Format* kernels_;
  bool gated_;
  int64_t rows_ = 0;
  int64_t cols_ = 0;
  int64_t tiles_ = 0;
  int64_t steps_ = 0;
  int64_t unit_ = 0;       // bytes of a tile's step
  AlignedBuffer weights_;  // linear_kernels.h has the order
  AlignedBuffer bias_;     // [tiles * 16] f32 in packed order, or empty
};

}  // namespace spate::cpu
