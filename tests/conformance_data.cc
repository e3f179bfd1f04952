#include "tests/conformance_data.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/half.h"
#include "base/rng.h"
#include "quant/random_blocks_for_test.h"

namespace spate::conformance {
namespace {

constexpr uint32_t kSentinelBits = 0x7fc0beefu;  // a quiet NaN
constexpr int64_t kRowGapBytes = 7;

std::vector<std::byte> PackedRows(const std::vector<float>& values, DType dtype) {
  std::vector<std::byte> bytes(static_cast<size_t>(RowBytes(dtype, static_cast<int64_t>(values.size()))));
  Pack(dtype, values.data(), bytes.data(), values.size());
  return bytes;
}

}  // namespace

uint64_t Random::Next() {
  const std::array<uint32_t, 4> words =
      Philox4x32({static_cast<uint32_t>(count_), static_cast<uint32_t>(count_ >> 32), 0, 0},
                 {static_cast<uint32_t>(seed_), static_cast<uint32_t>(seed_ >> 32)});
  ++count_;
  return (uint64_t{words[0]} << 32) | words[1];
}

float Random::Value() {
  const uint64_t bits = Next();
  const float magnitude = 0.25f + 0.75f * static_cast<float>(bits >> 40) * 0x1p-24f;
  return (bits & 1u) != 0 ? magnitude : -magnitude;
}

std::vector<float> Random::Values(size_t count, float scale) {
  std::vector<float> values(count);
  for (float& value : values) value = scale * Value();
  return values;
}

std::vector<std::byte> RandomRows(DType dtype, int rows, int cols, uint64_t seed, float scale) {
  const size_t elements = static_cast<size_t>(rows) * static_cast<size_t>(cols);
  const size_t block = static_cast<size_t>(Traits(dtype).block_elements);
  if (block > 1) return RandomBlocks(dtype, elements / block, seed, scale);
  std::vector<std::byte> bytes(static_cast<size_t>(RowBytes(dtype, cols)) * static_cast<size_t>(rows));
  Pack(dtype, Random(seed).Values(elements, scale).data(), bytes.data(), elements);
  return bytes;
}

GuardedMat::GuardedMat(int rows, int cols, int gap)
    : rows_(rows),
      cols_(cols),
      stride_(int64_t{cols} + gap),
      buffer_(kBefore + static_cast<size_t>(rows * stride_) + kAfter, FloatFromBits(kSentinelBits)) {}

void GuardedMat::Fill(const std::vector<float>& values) {
  for (int r = 0; r < rows_; ++r) std::copy_n(values.begin() + int64_t{r} * cols_, cols_, &at(r, 0));
}

std::vector<float> GuardedMat::Values() const {
  std::vector<float> values;
  for (int r = 0; r < rows_; ++r) {
    const float* row = buffer_.data() + Index(r, 0);
    values.insert(values.end(), row, row + cols_);
  }
  return values;
}

std::string GuardedMat::Damage(const std::string& name) const {
  for (size_t i = 0; i < buffer_.size(); ++i) {
    if (FloatBits(buffer_[i]) == kSentinelBits) continue;
    const int64_t offset = static_cast<int64_t>(i) - static_cast<int64_t>(kBefore);
    if (offset < 0) return fmt::format("{}: wrote {} before its start", name, -offset);
    if (offset >= rows_ * stride_) return fmt::format("{}: wrote behind its last row", name);
    if (offset % stride_ >= cols_)
      return fmt::format("{}: wrote behind column {} of row {}", name, cols_, offset / stride_);
  }
  return {};
}

SourceMatrix::SourceMatrix(const std::vector<float>& values, int rows, int cols, DType dtype)
    : SourceMatrix(PackedRows(values, dtype), rows, cols, dtype) {}

SourceMatrix::SourceMatrix(std::span<const std::byte> tight, int rows, int cols, DType dtype)
    : rows_(rows),
      cols_(cols),
      dtype_(dtype),
      row_bytes_(RowBytes(dtype, cols) + kRowGapBytes),
      bytes_(1 + static_cast<size_t>(rows * row_bytes_), std::byte{0xff}) {
  const int64_t row_bytes = RowBytes(dtype, cols);
  for (int r = 0; r < rows; ++r) {
    std::copy_n(tight.begin() + r * row_bytes, row_bytes, bytes_.begin() + 1 + r * row_bytes_);
  }
}

MatrixView SourceMatrix::view() const { return {bytes_.data() + 1, dtype_, rows_, cols_, row_bytes_}; }

void SourceMatrix::Scribble() { std::fill(bytes_.begin(), bytes_.end(), std::byte{0xff}); }

}  // namespace spate::conformance
