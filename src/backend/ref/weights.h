// Weights of the reference backend: row-major, rounded to the format they were asked for and to nothing
// else. Immutable after construction.
#pragma once

#include <cstddef>
#include <vector>

#include "backend/linear.h"

namespace spate::ref {

// One matrix whose elements have been rounded to `format`.
class RoundedMatrix {
 public:
  RoundedMatrix(DType format, int64_t cols);  // no rows yet; throws Error for a format that is not f32, f16 or bf16
  void Append(const MatrixView& part);        // throws Error when memory runs out

  int64_t rows() const { return row_bytes_ == 0 ? 0 : static_cast<int64_t>(bytes_.size()) / row_bytes_; }
  int64_t bytes() const { return static_cast<int64_t>(bytes_.size()); }
  void Read(int64_t row, float* out) const;  // out [cols]

 private:
  DType format_;
  int64_t cols_;
  int64_t row_bytes_;
  std::vector<std::byte> bytes_;  // [rows, cols] of format_
};

class RefLinear final : public Linear {
 public:
  RefLinear(const LinearSource& source, const LinearSpec& spec);

  int64_t bytes() const override { return weights_.bytes(); }
  const RoundedMatrix& weights() const { return weights_; }
  float bias(int64_t row) const { return bias_.empty() ? 0.0f : bias_[static_cast<size_t>(row)]; }
  bool gated() const { return gated_; }
  int experts() const { return experts_; }

 private:
  RoundedMatrix weights_;
  std::vector<float> bias_;  // [rows] or empty
  bool gated_;
  int experts_;
};

class RefVec final : public Vec {
 public:
  explicit RefVec(const VecSource& source);
  const std::vector<float>& values() const { return values_; }
  float bias(size_t i) const { return bias_.empty() ? 0.0f : bias_[i]; }

 private:
  std::vector<float> values_;
  std::vector<float> bias_;  // [n] or empty
};

// Owns its rows, or reads those of a head that outlives it.
class RefTable final : public Table {
 public:
  RefTable(const MatrixView& source, DType format);
  explicit RefTable(const RefLinear& head);
  RefTable(const RefTable&) = delete;

  int64_t rows() const { return rows_->rows(); }
  int64_t cols() const { return cols_; }
  void Read(int64_t id, float* out) const { rows_->Read(id, out); }

 private:
  std::vector<RoundedMatrix> own_;  // one, or none when tied
  const RoundedMatrix* rows_;
  int64_t cols_;
};

}  // namespace spate::ref
