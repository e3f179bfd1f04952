#include "backend/cpu/packed_matrix.h"

#include <algorithm>
#include <vector>

#include "backend/cpu/block_units.h"
#include "backend/cpu/tile_packer.h"
#include "backend/kept_formats.h"
#include "base/check.h"
#include "base/error.h"
#include "base/math_util.h"

namespace spate::cpu {
namespace {

const LinearKernels::Format& FormatKernels(const LinearKernels& kernels, DType format) {
  switch (format) {
    case DType::kF32:
      return kernels.f32;
    case DType::kF16:
      return kernels.f16;
    case DType::kBF16:
      return kernels.bf16;
    case DType::kQ4_0:
      return kernels.q4_0;
    case DType::kQ8_0:
      return kernels.q8_0;
    case DType::kQ4_K:
      return kernels.q4_k;
    case DType::kQ5_K:
      return kernels.q5_k;
    case DType::kQ6_K:
      return kernels.q6_k;
    default:
      CHECK(false, "no kernels for {}", Name(format));
  }
}

// k of a step.
int64_t StepK(DType format) { return format == DType::kBF16 ? 2 : Traits(format).block_elements; }

int64_t CountRows(const LinearSource& source) {
  CHECK(!source.parts.empty());
  int64_t rows = 0;
  for (const MatrixView& part : source.parts) {
    CHECK(part.rows > 0 && part.cols > 0 && part.cols == source.parts[0].cols, "part of [{}, {}]", part.rows,
          part.cols);
    rows += part.rows;
  }
  return rows;
}

}  // namespace

PackedMatrix::PackedMatrix(const LinearSource& source, bool gated, DType format, const LinearKernels& kernels,
                           ThreadPool& pool)
    : format_(format),
      kernels_(&FormatKernels(kernels, format)),
      gated_(gated),
      rows_(CountRows(source)),
      cols_(source.parts[0].cols) {
  if (gated_) CHECK(source.parts.size() == 2 && source.parts[0].rows == source.parts[1].rows);
  tiles_ = gated_ ? 2 * CeilDiv(outputs(), kTileRows) : CeilDiv(rows(), kTileRows);
  steps_ = CeilDiv(cols(), StepK(format));
  unit_ = RowBytes(format, StepK(format)) * kTileRows;
  const std::optional<int64_t> tile_bytes = CheckedMul(steps_, unit_);
  const std::optional<int64_t> total = CheckedMul(tile_bytes.value_or(-1), tiles_);
  if (!tile_bytes || !total) {
    throw Error(ErrorCode::kBadInput, "a matrix of [{}, {}] is larger than any memory", rows(), cols());
  }
  weights_ = AlignedBuffer(static_cast<size_t>(*total));

  const int64_t band_tiles = RowsPerRead(source.parts[0].row_bytes) / kTileRows * (gated_ ? 2 : 1);
  pool.ParallelFor(0, tiles_, band_tiles, [&](int64_t begin, int64_t end, int /*thread*/) {
    const TileBand band(source.parts, gated_, begin, end);
    TilePacker packer(format_, cols(), kernels);
    for (int64_t tile = begin; tile < end; ++tile) {
      packer.Pack(band.Tile(tile), weights_.data() + (At(tile, 0) - weights_.data()), StepBytes(tile));
    }
  });
  if (!source.bias.empty()) PackBias(source);
}

void PackedMatrix::PackBias(const LinearSource& source) {
  CHECK(source.bias.size() == source.parts.size());
  bias_ = AlignedBuffer(static_cast<size_t>(tiles_) * kTileRows * sizeof(float));
  int64_t row = 0;
  for (size_t part = 0; part < source.bias.size(); ++part) {
    const MatrixView& bias = source.bias[part];
    CHECK(bias.rows == 1 && bias.cols == source.parts[part].rows, "bias of [{}, {}]", bias.rows, bias.cols);
    CheckWeightSource(bias);
    std::vector<float> values(static_cast<size_t>(bias.cols));
    const LoadedRows loaded = LoadRows(bias, 0, 1);
    Unpack(bias.dtype, loaded.rows.data, values.data(), values.size());
    for (const float value : values) {
      const Place place = Find(row++);
      bias_.As<float>()[place.tile * kTileRows + place.lane] = value;
    }
  }
}

PackedMatrix::Place PackedMatrix::Find(int64_t row) const {
  const bool up = gated_ && row >= outputs();
  if (up) row -= outputs();
  const int64_t tile = row / kTileRows;
  return {gated_ ? 2 * tile + (up ? 1 : 0) : tile, static_cast<int>(row % kTileRows)};
}

void PackedMatrix::ReadRow(int64_t row, float* out) const {
  CHECK(row >= 0 && row < rows(), "row {} of {}", row, rows());
  const Place place = Find(row);
  const int64_t step_k = StepK(format_);
  std::byte block[kMaxBlockBytes];
  for (int64_t step = 0; step < steps_; ++step) {
    const std::byte* unit = At(place.tile, step);
    const std::byte* data = unit + place.lane * RowBytes(format_, step_k);  // the k of a plain row lie together
    if (kernels_->unpack != nullptr) {
      TakeBlock(format_, unit, place.lane, block);
      data = block;
    }
    const int64_t k = step * step_k;
    Unpack(format_, data, out + k, static_cast<size_t>(std::min(step_k, cols() - k)));
  }
}

}  // namespace spate::cpu
