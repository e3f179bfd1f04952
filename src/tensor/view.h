// Non-owning views of tensors. TensorView is what a checkpoint hands out: any rank, contiguous.
// MatrixView is what the loader cuts out of it for a backend: rows with a stride, so that a rank's
// slice of columns needs no copy. Both are plain values; whoever mapped the file outlives them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "quant/dtype.h"

namespace spate {

using Shape = std::vector<int64_t>;  // outermost first

std::string ToString(const Shape& shape);  // "[32, 64]"

struct TensorView {
  DType dtype = DType::kF32;
  Shape shape;
  std::span<const std::byte> bytes;  // exactly the tensor
};

struct MatrixView {
  const std::byte* data = nullptr;
  DType dtype = DType::kF32;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t row_bytes = 0;  // stride from row to row, in bytes

  const std::byte* Row(int64_t r) const { return data + r * row_bytes; }
  MatrixView Rows(int64_t first, int64_t count) const { return {Row(first), dtype, count, cols, row_bytes}; }
};

// A rank-2 tensor as a matrix, a rank-1 tensor as one row. Other ranks fail a CHECK.
MatrixView AsMatrix(const TensorView& tensor);

}  // namespace spate
