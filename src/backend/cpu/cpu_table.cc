#include "backend/cpu/cpu_table.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "base/math_util.h"

namespace spate::cpu {
namespace {

size_t TableBytes(const MatrixView& source, DType format) {
  CHECK(source.rows > 0 && source.cols > 0, "[{}, {}]", source.rows, source.cols);
  CheckKept(source, format, Keepable());
  const std::optional<int64_t> elements = CheckedMul(source.rows, source.cols);
  const std::optional<int64_t> bytes = CheckedMul(elements.value_or(-1), Traits(format).block_bytes);
  if (!elements || !bytes) {
    throw Error(ErrorCode::kBadInput, "a table of [{}, {}] is larger than any memory", source.rows, source.cols);
  }
  return static_cast<size_t>(source.rows * RowBytes(format, source.cols));
}

// A row as f32, padded with zeros to a multiple of 16.
AlignedBuffer ReadVector(const MatrixView& source, int64_t size) {
  CheckWeightSource(source);
  CHECK(source.rows == 1 && source.cols == size && size > 0, "[{}, {}], expected [1, {}]", source.rows, source.cols,
        size);
  AlignedBuffer values(static_cast<size_t>(AlignUp(size, kTileRows)) * sizeof(float));
  // Not through the mapping: the kernel would read megabytes around a few kilobytes.
  const LoadedRows loaded = LoadRows(source, 0, 1);
  Unpack(source.dtype, loaded.rows.data, values.As<float>(), static_cast<size_t>(size));
  return values;
}

}  // namespace

CpuVec::CpuVec(const VecSource& source) : size_(source.weight.rows == 0 ? source.size : source.weight.cols) {
  if (source.weight.rows == 0) {
    values_ = AlignedBuffer(static_cast<size_t>(AlignUp(size_, kTileRows)) * sizeof(float));
    std::fill_n(values_.As<float>(), size_, 1.0f);
  } else {
    values_ = ReadVector(source.weight, size_);
  }
  for (int64_t i = 0; i < size_; ++i) values_.As<float>()[i] += source.offset;
  if (source.bias.rows > 0) bias_ = ReadVector(source.bias, size_);
}

CpuTable::CpuTable(const MatrixView& source, DType format, ThreadPool& pool)
    : format_(format), rows_(source.rows), cols_(source.cols), data_(TableBytes(source, format)) {
  const int64_t row_bytes = RowBytes(format_, cols_);
  pool.ParallelFor(0, rows_, RowsPerRead(source.row_bytes), [&](int64_t begin, int64_t end, int /*thread*/) {
    const LoadedRows loaded = LoadRows(source, begin, end - begin);
    std::vector<float> values(static_cast<size_t>(cols_));
    for (int64_t row = begin; row < end; ++row) {
      std::byte* out = data_.data() + row * row_bytes;
      const std::byte* stored = loaded.rows.Row(row - begin);
      if (source.dtype == format_) {
        std::memcpy(out, stored, static_cast<size_t>(row_bytes));
      } else {
        Unpack(source.dtype, stored, values.data(), values.size());
        Pack(format_, values.data(), out, values.size());
      }
    }
  });
}

CpuTable::CpuTable(const CpuLinear& head)
    : head_(&head), format_(head.format()), rows_(head.rows()), cols_(head.cols()) {}

void CpuTable::ReadRow(int64_t row, float* out) const {
  if (head_ != nullptr) return head_->ReadRow(row, out);
  CHECK(row >= 0 && row < rows_, "row {} of {}", row, rows_);
  Unpack(format_, data_.data() + row * RowBytes(format_, cols_), out, static_cast<size_t>(cols_));
}

}  // namespace spate::cpu
