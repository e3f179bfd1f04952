#include "backend/ref/weights.h"

#include <algorithm>
#include <new>

#include "backend/ref/mat.h"
#include "base/check.h"
#include "base/error.h"

namespace spate::ref {
namespace {

void CheckSource(const MatrixView& source) {
  if (IsWeightFormat(source.dtype)) return;
  throw Error(ErrorCode::kBadInput, "weights of type {} cannot be used; expected f32, f16, bf16 or f64",
              Name(source.dtype));
}

std::vector<float> ReadRow(const MatrixView& source) {
  CheckSource(source);
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

RoundedMatrix::RoundedMatrix(DType format, int64_t cols) : format_(format), cols_(cols) {
  if (format != DType::kF32 && format != DType::kF16 && format != DType::kBF16) {
    throw Error(ErrorCode::kUsage, "backend ref: weights cannot be kept as {}; expected f32, f16 or bf16",
                Name(format));
  }
  row_bytes_ = cols * Traits(format).block_bytes;
}

void RoundedMatrix::Append(const MatrixView& part) {
  CheckSource(part);
  CHECK(part.cols == cols_, "{} columns, expected {}", part.cols, cols_);
  const size_t old_size = bytes_.size();
  try {
    bytes_.resize(old_size + static_cast<size_t>(part.rows * row_bytes_));
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kDoesNotFit, "backend ref: no memory for a weight matrix of {} bytes",
                part.rows * row_bytes_);
  }
  std::vector<float> values(static_cast<size_t>(cols_));
  for (int64_t r = 0; r < part.rows; ++r) {
    const LoadedRows loaded = LoadRows(part, r, 1);
    Unpack(part.dtype, loaded.rows.data, values.data(), values.size());
    Pack(format_, values.data(), bytes_.data() + old_size + static_cast<size_t>(r * row_bytes_), values.size());
  }
}

void RoundedMatrix::Read(int64_t row, float* out) const {
  CHECK(row >= 0 && row < rows(), "row {} of {}", row, rows());
  Unpack(format_, bytes_.data() + row * row_bytes_, out, static_cast<size_t>(cols_));
}

RefLinear::RefLinear(const LinearSource& source, const LinearSpec& spec)
    : Linear(TotalRows(source), CommonCols(source), spec.format),
      weights_(spec.format, cols()),
      gated_(spec.gated),
      experts_(spec.experts) {
  CHECK(experts_ >= 1 && source.parts.size() % static_cast<size_t>(experts_) == 0);
  if (gated_)
    CHECK(source.parts.size() == 2 * static_cast<size_t>(experts_) && source.parts[0].rows == source.parts[1].rows);
  for (const MatrixView& part : source.parts) weights_.Append(part);
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
  own_.emplace_back(format, source.cols);
  own_[0].Append(source);
  rows_ = &own_[0];
}

RefTable::RefTable(const RefLinear& head) : rows_(&head.weights()), cols_(head.cols()) {}

}  // namespace spate::ref
