// From rows of any source format to the packed tiles of linear_kernels.h: TileBand brings the rows of some tiles into
// memory, TilePacker writes a tile. One per chunk of work, on its thread's stack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backend/cpu/linear_kernels.h"
#include "tensor/view.h"

namespace spate::cpu {

// Sources of one tile's rows; a null row is padding.
struct TileSource {
  const MatrixView* part[kTileRows] = {};
  int64_t row[kTileRows] = {};
};

// The rows that tiles [tile_begin, tile_end) are packed from, in memory.
class TileBand {
 public:
  TileBand(std::span<const MatrixView> parts, bool gated, int64_t tile_begin, int64_t tile_end);

  const TileSource& Tile(int64_t tile) const { return tiles_[static_cast<size_t>(tile - tile_begin_)]; }

 private:
  // Brings the rows of `part` and lets the tiles take theirs from there.
  void Load(const MatrixView& part);

  int64_t tile_begin_;
  std::vector<TileSource> tiles_;
  std::vector<LoadedRows> loaded_;  // one per part at most: its elements stay where they are
};

// Packs the 16 rows of a tile.
class TilePacker {
 public:
  TilePacker(DType format, int64_t cols, const LinearKernels& kernels)
      : format_(format), cols_(cols), kernels_(kernels) {}

  // `step_bytes` from step to step of the output.
  void Pack(const TileSource& source, std::byte* out, int64_t step_bytes);

 private:
  // Elements of k that are packed at a time: 16 rows of them stay in the L1 cache also as f32. Whole blocks of every
  // format, and whole pairs of bf16.
  static constexpr int64_t kChunk = 256;

  // Elements [begin, begin + count) of row r in the packed format, perhaps in a buffer.
  const std::byte* RowChunk(const TileSource& source, int r, int64_t begin, int64_t count);
  void Interleave(const std::byte* const* rows, int64_t count, std::byte* out, int64_t step_bytes);

  const DType format_;
  const int64_t cols_;
  const LinearKernels& kernels_;
  float unpacked_[kChunk];
  alignas(64) std::byte converted_[kTileRows][kChunk * sizeof(float)];
  alignas(64) std::byte zeros_[kChunk * sizeof(float)] = {};
};

}  // namespace spate::cpu
