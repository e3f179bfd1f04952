#include "backend/cpu/cpu_linear.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "base/math_util.h"

namespace spate::cpu {
namespace {

// Elements of k that are packed at a time: 16 rows of them stay in the L1 cache also as f32.
constexpr int64_t kPackChunk = 256;

// Sources of one tile's rows; a null row is padding.
struct TileSource {
  const MatrixView* part[kTileRows] = {};
  int64_t row[kTileRows] = {};
};

// Where each row of a packed matrix comes from: parts in order, cut into tiles of 16 (a gated pair tile by tile).
TileSource FindSource(std::span<const MatrixView> parts, bool gated, int64_t tile) {
  TileSource source;
  for (int r = 0; r < kTileRows; ++r) {
    int64_t row = (gated ? tile / 2 : tile) * kTileRows + r;
    size_t part = gated ? static_cast<size_t>(tile % 2) : 0;
    while (!gated && part < parts.size() && row >= parts[part].rows) row -= parts[part++].rows;
    if (part == parts.size() || row >= parts[part].rows) continue;
    source.part[r] = &parts[part];
    source.row[r] = row;
  }
  return source;
}

// The rows that tiles [tile_begin, tile_end) are packed from, in memory.
class Band {
 public:
  Band(std::span<const MatrixView> parts, bool gated, int64_t tile_begin, int64_t tile_end) : tile_begin_(tile_begin) {
    for (int64_t tile = tile_begin; tile < tile_end; ++tile) tiles_.push_back(FindSource(parts, gated, tile));
    loaded_.reserve(parts.size());
    for (const MatrixView& part : parts) Load(part);
  }

  const TileSource& Tile(int64_t tile) const { return tiles_[static_cast<size_t>(tile - tile_begin_)]; }

 private:
  // Brings the rows of `part` and lets the tiles take theirs from there.
  void Load(const MatrixView& part) {
    int64_t begin = part.rows, end = 0;
    for (const TileSource& tile : tiles_) {
      for (int r = 0; r < kTileRows; ++r) {
        if (tile.part[r] != &part) continue;
        begin = std::min(begin, tile.row[r]);
        end = std::max(end, tile.row[r] + 1);
      }
    }
    if (begin >= end) return;
    loaded_.push_back(LoadRows(part, begin, end - begin));
    for (TileSource& tile : tiles_) {
      for (int r = 0; r < kTileRows; ++r) {
        if (tile.part[r] != &part) continue;
        tile.part[r] = &loaded_.back().rows;
        tile.row[r] -= begin;
      }
    }
  }

  int64_t tile_begin_;
  std::vector<TileSource> tiles_;
  std::vector<LoadedRows> loaded_;  // one per part at most: its elements stay where they are
};

// Packs the 16 rows of a tile. One per chunk of work; its buffers live on the stack.
class TilePacker {
 public:
  TilePacker(DType format, int64_t cols, const LinearKernels& kernels)
      : format_(format), cols_(cols), kernels_(kernels) {}

  // `step_bytes` from step to step of the output.
  void Pack(const TileSource& source, std::byte* out, int64_t step_bytes) {
    const int64_t pack = format_ == DType::kBF16 ? 2 : 1;  // k of a step
    for (int64_t begin = 0; begin < cols_; begin += kPackChunk) {
      const int64_t count = std::min(kPackChunk, cols_ - begin);
      const std::byte* rows[kTileRows];
      for (int r = 0; r < kTileRows; ++r) rows[r] = RowChunk(source, r, begin, count);
      Interleave(rows, count, out + begin / pack * step_bytes, step_bytes);
    }
  }

 private:
  // Elements [begin, begin + count) of row r in the packed format, perhaps in a buffer.
  const std::byte* RowChunk(const TileSource& source, int r, int64_t begin, int64_t count) {
    if (source.part[r] == nullptr) return zeros_;
    const MatrixView& part = *source.part[r];
    const std::byte* data = part.Row(source.row[r]) + begin * Traits(part.dtype).block_bytes;
    if (part.dtype == format_) return data;
    std::byte* converted = converted_[r];
    const size_t n = static_cast<size_t>(count);
    if (part.dtype == DType::kF32 && format_ == DType::kBF16) {
      kernels_.f32_to_bf16(data, count, reinterpret_cast<uint16_t*>(converted));
    } else if (format_ == DType::kF32) {
      Unpack(part.dtype, data, reinterpret_cast<float*>(converted), n);
    } else {
      Unpack(part.dtype, data, unpacked_, n);
      spate::Pack(format_, unpacked_, converted, n);
    }
    return converted;
  }

  void Interleave(const std::byte* const* rows, int64_t count, std::byte* out, int64_t step_bytes) {
    switch (format_) {
      case DType::kF32:
        return kernels_.interleave_u32(rows, count, reinterpret_cast<uint32_t*>(out), step_bytes / 4);
      case DType::kF16:
        return kernels_.interleave_u16(rows, count, reinterpret_cast<uint16_t*>(out), step_bytes / 2);
      default:
        break;
    }
    kernels_.interleave_u32(rows, count / 2, reinterpret_cast<uint32_t*>(out), step_bytes / 4);
    if (count % 2 == 0) return;
    std::byte* last = out + count / 2 * step_bytes;  // the buffer is zeroed: the second of the pair stays 0
    for (int r = 0; r < kTileRows; ++r) std::memcpy(last + 4 * r, rows[r] + (count - 1) * 2, 2);
  }

  const DType format_;
  const int64_t cols_;
  const LinearKernels& kernels_;
  float unpacked_[kPackChunk];
  alignas(64) std::byte converted_[kTileRows][kPackChunk * sizeof(float)];
  alignas(64) std::byte zeros_[kPackChunk * sizeof(float)] = {};
};
static_assert(kPackChunk % 2 == 0, "pairs of bf16 do not straddle chunks");

const LinearKernels::Format& FormatKernels(const LinearKernels& kernels, DType format) {
  switch (format) {
    case DType::kF32:
      return kernels.f32;
    case DType::kF16:
      return kernels.f16;
    case DType::kBF16:
      return kernels.bf16;
    default:
      throw Error(ErrorCode::kUsage, "the cpu backend cannot keep weights as {}; choose f32, f16 or bf16",
                  Name(format));
  }
}

int64_t CountRows(const LinearSource& source) {
  CHECK(!source.parts.empty());
  int64_t rows = 0;
  for (const MatrixView& part : source.parts) {
    CHECK(part.rows > 0 && part.cols > 0 && part.cols == source.parts[0].cols, "part of [{}, {}]", part.rows,
          part.cols);
    if (!IsWeightFormat(part.dtype)) {
      throw Error(ErrorCode::kBadInput, "weights of type {} cannot be used; expected f32, f16, bf16 or f64",
                  Name(part.dtype));
    }
    rows += part.rows;
  }
  return rows;
}

}  // namespace

CpuLinear::CpuLinear(const LinearSource& source, const LinearSpec& spec, const LinearKernels& kernels, ThreadPool& pool)
    : Linear(CountRows(source), source.parts[0].cols, spec.format),
      kernels_(&FormatKernels(kernels, spec.format)),
      gated_(spec.gated) {
  if (gated_) CHECK(source.parts.size() == 2 && source.parts[0].rows == source.parts[1].rows);
  tiles_ = gated_ ? 2 * CeilDiv(outputs(), kTileRows) : CeilDiv(rows(), kTileRows);
  const int64_t pack = format() == DType::kBF16 ? 2 : 1;  // k of a step
  steps_ = CeilDiv(cols(), pack);
  unit_ = pack * Traits(format()).block_bytes * kTileRows;
  const std::optional<int64_t> tile_bytes = CheckedMul(steps_, unit_);
  const std::optional<int64_t> total = CheckedMul(tile_bytes.value_or(-1), tiles_);
  if (!tile_bytes || !total) {
    throw Error(ErrorCode::kBadInput, "a matrix of [{}, {}] is larger than any memory", rows(), cols());
  }
  weights_ = AlignedBuffer(static_cast<size_t>(*total));

  const int64_t band_tiles = RowsPerRead(source.parts[0].row_bytes) / kTileRows * (gated_ ? 2 : 1);
  pool.ParallelFor(0, tiles_, band_tiles, [&](int64_t begin, int64_t end, int /*thread*/) {
    const Band band(source.parts, gated_, begin, end);
    TilePacker packer(format(), cols(), kernels);
    for (int64_t tile = begin; tile < end; ++tile) {
      packer.Pack(band.Tile(tile), weights_.data() + (At(tile, 0) - weights_.data()), StepBytes(tile));
    }
  });

  if (source.bias.empty()) return;
  CHECK(source.bias.size() == source.parts.size());
  bias_ = AlignedBuffer(static_cast<size_t>(tiles_) * kTileRows * sizeof(float));
  int64_t row = 0;
  for (size_t part = 0; part < source.bias.size(); ++part) {
    const MatrixView& bias = source.bias[part];
    CHECK(bias.rows == 1 && bias.cols == source.parts[part].rows, "bias of [{}, {}]", bias.rows, bias.cols);
    if (!IsWeightFormat(bias.dtype)) {
      throw Error(ErrorCode::kBadInput, "a bias of type {} cannot be used; expected f32, f16, bf16 or f64",
                  Name(bias.dtype));
    }
    std::vector<float> values(static_cast<size_t>(bias.cols));
    const LoadedRows loaded = LoadRows(bias, 0, 1);
    Unpack(bias.dtype, loaded.rows.data, values.data(), values.size());
    for (const float value : values) {
      const Place place = Find(row++);
      bias_.As<float>()[place.tile * kTileRows + place.lane] = value;
    }
  }
}

CpuLinear::Place CpuLinear::Find(int64_t row) const {
  const bool up = gated_ && row >= outputs();
  if (up) row -= outputs();
  const int64_t tile = row / kTileRows;
  return {gated_ ? 2 * tile + (up ? 1 : 0) : tile, static_cast<int>(row % kTileRows)};
}

void CpuLinear::ReadRow(int64_t row, float* out) const {
  CHECK(row >= 0 && row < rows(), "row {} of {}", row, rows());
  const Place place = Find(row);
  const int64_t pack = format() == DType::kBF16 ? 2 : 1;  // consecutive k of a row that lie together
  const int64_t element = Traits(format()).block_bytes;
  for (int64_t k = 0; k < cols(); k += pack) {
    const std::byte* data = At(place.tile, k / pack) + place.lane * pack * element;
    Unpack(format(), data, out + k, static_cast<size_t>(std::min(pack, cols() - k)));
  }
}

}  // namespace spate::cpu
