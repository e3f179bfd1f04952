#include "tensor/view.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/check.h"

namespace spate {

std::string ToString(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

int64_t RowsPerRead(int64_t row_bytes) {
  constexpr int64_t kBytes = int64_t{2} << 20, kUnit = 64;
  CHECK(row_bytes > 0);
  return std::max<int64_t>(1, kBytes / row_bytes / kUnit) * kUnit;
}

LoadedRows LoadRows(const MatrixView& matrix, int64_t first, int64_t count) noexcept {
  CHECK(first >= 0 && count >= 0 && count <= matrix.rows - first, "rows {} to {} of {}", first, first + count,
        matrix.rows);
  LoadedRows loaded{.rows = matrix.Rows(first, count)};
  if (matrix.maker != nullptr) {
    loaded.made = AlignedBuffer(static_cast<size_t>(count * matrix.row_bytes));
    matrix.maker->Make(loaded.rows.first_made, count, loaded.made.data());
    loaded.rows.data = loaded.made.data();
    loaded.rows.maker = nullptr;
    return loaded;
  }
  if (matrix.reader == nullptr || count == 0) return loaded;
  const int64_t bytes = (count - 1) * matrix.row_bytes + RowBytes(matrix.dtype, matrix.cols);
  loaded.piece = matrix.reader->Read({loaded.rows.data, static_cast<size_t>(bytes)});
  loaded.rows.data = loaded.piece.data();
  loaded.rows.reader = nullptr;
  return loaded;
}

MatrixView AsMatrix(const TensorView& tensor) {
  CHECK(tensor.shape.size() == 1 || tensor.shape.size() == 2, "rank {}", tensor.shape.size());
  const int64_t rows = tensor.shape.size() == 2 ? tensor.shape[0] : 1;
  const int64_t cols = tensor.shape.back();
  return {.data = tensor.bytes.data(),
          .dtype = tensor.dtype,
          .rows = rows,
          .cols = cols,
          .row_bytes = RowBytes(tensor.dtype, cols),
          .maker = tensor.maker};
}

}  // namespace spate
