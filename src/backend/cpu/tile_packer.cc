#include "backend/cpu/tile_packer.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/block_units.h"

namespace spate::cpu {
namespace {

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

}  // namespace

TileBand::TileBand(std::span<const MatrixView> parts, bool gated, int64_t tile_begin, int64_t tile_end)
    : tile_begin_(tile_begin) {
  for (int64_t tile = tile_begin; tile < tile_end; ++tile) tiles_.push_back(FindSource(parts, gated, tile));
  loaded_.reserve(parts.size());
  for (const MatrixView& part : parts) Load(part);
}

void TileBand::Load(const MatrixView& part) {
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

void TilePacker::Pack(const TileSource& source, std::byte* out, int64_t step_bytes) {
  const int64_t step_k = format_ == DType::kBF16 ? 2 : Traits(format_).block_elements;
  for (int64_t begin = 0; begin < cols_; begin += kChunk) {
    const int64_t count = std::min(kChunk, cols_ - begin);
    const std::byte* rows[kTileRows];
    for (int r = 0; r < kTileRows; ++r) rows[r] = RowChunk(source, r, begin, count);
    Interleave(rows, count, out + begin / step_k * step_bytes, step_bytes);
  }
}

const std::byte* TilePacker::RowChunk(const TileSource& source, int r, int64_t begin, int64_t count) {
  if (source.part[r] == nullptr) return zeros_;
  const MatrixView& part = *source.part[r];
  const std::byte* data = part.Row(source.row[r]) + RowBytes(part.dtype, begin);
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

void TilePacker::Interleave(const std::byte* const* rows, int64_t count, std::byte* out, int64_t step_bytes) {
  switch (format_) {
    case DType::kF32:
      return kernels_.interleave_u32(rows, count, reinterpret_cast<uint32_t*>(out), step_bytes / 4);
    case DType::kF16:
      return kernels_.interleave_u16(rows, count, reinterpret_cast<uint16_t*>(out), step_bytes / 2);
    case DType::kBF16:
      break;
    default:
      return InterleaveBlocks(format_, rows, count / Traits(format_).block_elements, out, step_bytes);
  }
  kernels_.interleave_u32(rows, count / 2, reinterpret_cast<uint32_t*>(out), step_bytes / 4);
  if (count % 2 == 0) return;
  std::byte* last = out + count / 2 * step_bytes;  // the buffer is zeroed: the second of the pair stays 0
  for (int r = 0; r < kTileRows; ++r) std::memcpy(last + 4 * r, rows[r] + (count - 1) * 2, 2);
}

}  // namespace spate::cpu
