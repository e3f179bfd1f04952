// CpuLinear: a matrix in packed tiles (linear_kernels.h) with the kernels of its format. Immutable; any thread may
// read it. The Device that packed it must outlive it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "backend/cpu/linear_kernels.h"
#include "backend/linear.h"
#include "base/aligned_buffer.h"
#include "base/thread_pool.h"

namespace spate::cpu {

class CpuLinear final : public Linear {
 public:
  // Packs with all threads of the pool. Throws Error for a source format that is no weight format, and where the
  // packed matrix does not fit into memory.
  CpuLinear(const LinearSource& source, const LinearSpec& spec, const LinearKernels& kernels, ThreadPool& pool);

  int64_t bytes() const override { return tiles_ * steps_ * unit_; }

  const LinearKernels::Format& kernels() const { return *kernels_; }
  bool gated() const { return gated_; }
  int64_t outputs() const { return gated_ ? rows() / 2 : rows(); }  // columns of an Apply's result
  int64_t tiles() const { return tiles_; }                          // gated: gate, up, gate, up, ...
  int64_t steps() const { return steps_; }                          // of k: pairs for bf16
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

  const LinearKernels::Format* kernels_;
  bool gated_;
  int64_t tiles_ = 0;
  int64_t steps_ = 0;
  int64_t unit_ = 0;       // bytes of a tile's step
  AlignedBuffer weights_;  // linear_kernels.h has the order
  AlignedBuffer bias_;     // [tiles * 16] f32 in packed order, or empty
};

}  // namespace spate::cpu
