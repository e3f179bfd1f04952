#include "backend/ref/weights.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "backend/ref/mat.h"
#include "base/check.h"
#include "base/error.h"

namespace spate::ref {
namespace {

constexpr DType kFormats[] = {DType::kF32,  DType::kBF16, DType::kF16,  DType::kQ4_0,   DType::kQ4_1,
                              DType::kQ5_0, DType::kQ5_1, DType::kQ8_0, DType::kQ2_K,   DType::kQ3_K,
                              DType::kQ4_K, DType::kQ5_K, DType::kQ6_K, DType::kIQ4_NL, DType::kIQ4_XS};

std::vector<float> ReadRow(const MatrixView& source) {
  CheckWeightSource(source);
  CHECK(source.rows == 1, "{} rows", source.rows);
  std::vector<float> values(static_cast<size_t>(source.cols));
  const LoadedRows loaded = LoadRows(source, 0, 1);
  Unpack(source.dtype, loaded.rows.data, values.data(), values.size());
  return values;
}

int64_t TotalRows(const LinearSource& source) {
  int64_t rows = 0;
  for (const MatrixView& part : source.parts) rows += part.rows;
  return rows;
}

int64_t CommonCols(const LinearSource& source) {
  CHECK(!source.parts.empty());
  for (const MatrixView& part : source.parts) {
    CHECK(part.cols == source.parts[0].cols, "{} and {} columns", part.cols, source.parts[0].cols);
  }
  return source.parts[0].cols;
}

}  // namespace

KeepableFormats Keepable() { return {"ref", kFormats}; }

void RoundedMatrix::Append(const MatrixView& source, DType format) {
  CHECK(source.cols == cols_, "{} columns, expected {}", source.cols, cols_);
  const int64_t row_bytes = RowBytes(format, cols_);
  Part& part = parts_.emplace_back(Part{format, source.rows, {}});
  try {
    part.bytes.resize(static_cast<size_t>(source.rows * row_bytes));
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kDoesNotFit, "backend ref: no memory for a weight matrix of {} bytes",
                source.rows * row_bytes);
  }
  std::vector<float> values(static_cast<size_t>(cols_));
  for (int64_t r = 0; r < source.rows; ++r) {
    const LoadedRows loaded = LoadRows(source, r, 1);
    std::byte* out = part.bytes.data() + r * row_bytes;
    if (source.dtype == format) {
      std::memcpy(out, loaded.rows.data, static_cast<size_t>(row_bytes));
    } else {
      Unpack(source.dtype, loaded.rows.data, values.data(), values.size());
      Pack(format, values.data(), out, values.size());
    }
  }
  rows_ += source.rows;
}

int64_t RoundedMatrix::bytes() const {
  size_t bytes = 0;
  for (const Part& part : parts_) bytes += part.bytes.size();
  return static_cast<int64_t>(bytes);
}

void RoundedMatrix::Read(int64_t row, float* out) const {
  CHECK(row >= 0 && row < rows(), "row {} of {}", row, rows());
  size_t at = 0;
  while (row >= parts_[at].rows) row -= parts_[at++].rows;
  const Part& part = parts_[at];
  Unpack(part.format, part.bytes.data() + row * RowBytes(part.format, cols_), out, static_cast<size_t>(cols_));
}

RefLinear::RefLinear(const LinearSource& source, const LinearSpec& spec)
    : Linear(TotalRows(source), CommonCols(source), KeptFormats(source, spec, Keepable()).front()),
      weights_(cols()),
      gated_(spec.gated),
      experts_(spec.experts) {
  CHECK(experts_ >= 1 && source.parts.size() % static_cast<size_t>(experts_) == 0);
  if (gated_) {
    CHECK(source.parts.size() == 2 * static_cast<size_t>(experts_) && source.parts[0].rows == source.parts[1].rows);
  }
  const std::vector<DType> formats = KeptFormats(source, spec, Keepable());
  for (size_t i = 0; i < formats.size(); ++i) weights_.Append(source.parts[i], formats[i]);
  if (source.bias.empty()) return;
  CHECK(source.bias.size() == source.parts.size(), "{} biases of {} parts", source.bias.size(), source.parts.size());
  bias_.resize(static_cast<size_t>(rows()));
  size_t first = 0;
  for (size_t i = 0; i < source.bias.size(); ++i) {
    const MatrixView& bias = source.bias[i];
    CHECK(bias.rows == 1 && bias.cols == source.parts[i].rows, "bias [{}, {}] of {} rows", bias.rows, bias.cols,
          source.parts[i].rows);
    const std::vector<float> values = ReadRow(bias);
    std::copy(values.begin(), values.end(), bias_.begin() + static_cast<std::ptrdiff_t>(first));
    first += values.size();
  }
}

RefVec::RefVec(const VecSource& source)
    : values_(source.weight.rows == 0 ? std::vector<float>(static_cast<size_t>(source.size), 1.0f)
                                      : ReadRow(source.weight)) {
  for (float& value : values_) value += source.offset;
  if (source.bias.rows == 0) return;
  bias_ = ReadRow(source.bias);
  CHECK(bias_.size() == values_.size(), "{} weights, {} biases", values_.size(), bias_.size());
}

RefTable::RefTable(const MatrixView& source, DType format) : cols_(source.cols) {
  CheckKept(source, format, Keepable());
  own_.emplace_back(source.cols);
  own_[0].Append(source, format);
  rows_ = &own_[0];
}

RefTable::RefTable(const RefLinear& head) : rows_(&head.weights()), cols_(head.cols()) {}

}  // namespace spate::ref
