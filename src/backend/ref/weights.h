// Weights of the reference backend: row-major, each part in the format that was asked for it and rounded to nothing
// else; blocks stay the bits they are. Immutable after construction.
#pragma once

#include <cstddef>
#include <vector>

#include "backend/kept_formats.h"
#include "backend/linear.h"

namespace spate::ref {

// Of this backend.
KeepableFormats Keepable();

// One matrix of parts whose elements have been rounded to a format each.
class RoundedMatrix {
 public:
  explicit RoundedMatrix(int64_t cols) : cols_(cols) {}  // no rows yet
  // Adds rows as `format`, which CheckKept accepted for them. Throws Error when memory runs out.
  void Append(const MatrixView& part, DType format);

  int64_t rows() const { return rows_; }
  int64_t bytes() const;
  void Read(int64_t row, float* out) const;  // out [cols]

 private:
  struct Part {
    DType format;
    int64_t rows;
    std::vector<std::byte> bytes;  // [rows, cols] of format
  };

  int64_t cols_;
  int64_t rows_ = 0;
  std::vector<Part> parts_;
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
