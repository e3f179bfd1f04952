// RowMakers (tensor/view.h) over mapped bytes: rows that no file holds as they are wanted. They own nothing; the
// mappings outlive them. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "tensor/view.h"

namespace spate {

// Elements at any strides: transposed and sliced matrices, and ones that do not begin at a multiple of their elements.
class StridedRows final : public RowMaker {
 public:
  // Element (r, c) of `cols` columns is at data + r * row_step + c * col_step. Steps in bytes; plain dtypes only.
  StridedRows(const std::byte* data, DType dtype, int64_t cols, int64_t row_step, int64_t col_step);
  void Make(int64_t first, int64_t count, std::byte* out) const noexcept override;

 private:
  const std::byte* data_;
  int64_t element_bytes_;
  int64_t cols_;
  int64_t row_step_;
  int64_t col_step_;
};

// Matrices one below another: `parts` of one dtype and width.
class StackedRows final : public RowMaker {
 public:
  explicit StackedRows(std::vector<MatrixView> parts) : parts_(std::move(parts)) {}
  void Make(int64_t first, int64_t count, std::byte* out) const noexcept override;

 private:
  std::vector<MatrixView> parts_;
};

// Matrices side by side: `parts` of one dtype and height.
class JoinedColumns final : public RowMaker {
 public:
  explicit JoinedColumns(std::vector<MatrixView> parts);
  void Make(int64_t first, int64_t count, std::byte* out) const noexcept override;

 private:
  std::vector<MatrixView> parts_;
  int64_t row_bytes_ = 0;  // of the result
};

// The rows of another maker from `first` on.
class RowsFrom final : public RowMaker {
 public:
  RowsFrom(const RowMaker& whole, int64_t first) : whole_(whole), first_(first) {}
  void Make(int64_t first, int64_t count, std::byte* out) const noexcept override {
    whole_.Make(first_ + first, count, out);
  }

 private:
  const RowMaker& whole_;
  int64_t first_;
};

// Rows 0, step, 2 step, ... of a matrix.
class EveryNthRow final : public RowMaker {
 public:
  EveryNthRow(const MatrixView& matrix, int64_t step) : matrix_(matrix), step_(step) {}
  void Make(int64_t first, int64_t count, std::byte* out) const noexcept override;

 private:
  MatrixView matrix_;
  int64_t step_;
};

// A tensor whose elements lie in `bytes` as they are: in place, or through a maker that goes to *makers if they do not
// begin at a multiple of their size. As many bytes as shape and dtype need.
TensorView PlacedTensor(DType dtype, Shape shape, std::span<const std::byte> bytes,
                        std::vector<std::unique_ptr<RowMaker>>* makers);

// Rows [first, first + count) of a matrix, or elements of a vector that is stored as it is, as a tensor of its own.
TensorView RowRange(const TensorView& tensor, int64_t first, int64_t count,
                    std::vector<std::unique_ptr<RowMaker>>* makers);

}  // namespace spate
