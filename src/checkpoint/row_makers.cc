#include "checkpoint/row_makers.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace spate {
namespace {

// Column by column, so that what lies together in the file is read together. A pass asks for 64 rows or more.
template <typename Element>
void CopyStrided(const std::byte* data, int64_t rows, int64_t cols, int64_t row_step, int64_t col_step,
                 std::byte* out) {
  for (int64_t c = 0; c < cols; ++c) {
    for (int64_t r = 0; r < rows; ++r) {
      std::memcpy(out + (r * cols + c) * int64_t{sizeof(Element)}, data + r * row_step + c * col_step, sizeof(Element));
    }
  }
}

}  // namespace

StridedRows::StridedRows(const std::byte* data, DType dtype, int64_t cols, int64_t row_step, int64_t col_step)
    : data_(data), element_bytes_(Traits(dtype).block_bytes), cols_(cols), row_step_(row_step), col_step_(col_step) {
  CHECK(Traits(dtype).block_elements == 1, "{} has no elements of its own", Name(dtype));
}

void StridedRows::Make(int64_t first, int64_t count, std::byte* out) const noexcept {
  const std::byte* data = data_ + first * row_step_;
  if (col_step_ == element_bytes_) {
    const int64_t bytes = cols_ * element_bytes_;
    for (int64_t r = 0; r < count; ++r) {
      std::memcpy(out + r * bytes, data + r * row_step_, static_cast<size_t>(bytes));
    }
    return;
  }
  switch (element_bytes_) {
    case 1:
      return CopyStrided<uint8_t>(data, count, cols_, row_step_, col_step_, out);
    case 2:
      return CopyStrided<uint16_t>(data, count, cols_, row_step_, col_step_, out);
    case 4:
      return CopyStrided<uint32_t>(data, count, cols_, row_step_, col_step_, out);
    default:
      return CopyStrided<uint64_t>(data, count, cols_, row_step_, col_step_, out);
  }
}

void StackedRows::Make(int64_t first, int64_t count, std::byte* out) const noexcept {
  for (const MatrixView& part : parts_) {
    const int64_t rows = std::clamp<int64_t>(part.rows - first, 0, count);
    if (rows > 0) {
      const LoadedRows loaded = LoadRows(part, first, rows);
      const int64_t bytes = rows * part.row_bytes;
      std::memcpy(out, loaded.rows.data, static_cast<size_t>(bytes));
      out += bytes;
      first += rows;
      count -= rows;
    }
    first -= part.rows;
  }
}

JoinedColumns::JoinedColumns(std::vector<MatrixView> parts) : parts_(std::move(parts)) {
  for (const MatrixView& part : parts_) row_bytes_ += part.row_bytes;
}

void JoinedColumns::Make(int64_t first, int64_t count, std::byte* out) const noexcept {
  for (const MatrixView& part : parts_) {
    const LoadedRows loaded = LoadRows(part, first, count);
    for (int64_t r = 0; r < count; ++r) {
      std::memcpy(out + r * row_bytes_, loaded.rows.Row(r), static_cast<size_t>(part.row_bytes));
    }
    out += part.row_bytes;
  }
}

void EveryNthRow::Make(int64_t first, int64_t count, std::byte* out) const noexcept {
  const auto row_bytes = static_cast<size_t>(RowBytes(matrix_.dtype, matrix_.cols));
  for (int64_t r = 0; r < count; ++r) {
    const LoadedRows loaded = LoadRows(matrix_, (first + r) * step_, 1);
    std::memcpy(out + static_cast<size_t>(r) * row_bytes, loaded.rows.data, row_bytes);
  }
}

TensorView PlacedTensor(DType dtype, Shape shape, std::span<const std::byte> bytes,
                        std::vector<std::unique_ptr<RowMaker>>* makers) {
  TensorView view{.dtype = dtype, .shape = std::move(shape), .bytes = bytes};
  const int64_t element = Traits(dtype).block_bytes;
  if (bytes.empty() || reinterpret_cast<uintptr_t>(bytes.data()) % static_cast<uintptr_t>(element) == 0) return view;
  const int64_t cols = view.shape.empty() ? 1 : view.shape.back();
  makers->push_back(std::make_unique<StridedRows>(bytes.data(), dtype, cols, cols * element, element));
  view.bytes = {};
  view.maker = makers->back().get();
  view.made_from = static_cast<int64_t>(bytes.size());
  view.made_of = bytes;
  return view;
}

TensorView RowRange(const TensorView& tensor, int64_t first, int64_t count,
                    std::vector<std::unique_ptr<RowMaker>>* makers) {
  CHECK(!tensor.shape.empty() && first >= 0 && count >= 0 && count <= tensor.shape[0] - first, "rows {} to {} of {}",
        first, first + count, ToString(tensor.shape));
  TensorView view = tensor;
  view.shape[0] = count;
  const int64_t stored = tensor.shape[0] == 0 ? 0 : tensor.StoredBytes() / tensor.shape[0];  // of a row
  if (tensor.maker == nullptr) {
    view.bytes = tensor.bytes.subspan(static_cast<size_t>(first * stored), static_cast<size_t>(count * stored));
    return view;
  }
  CHECK(tensor.shape.size() == 2, "rows of rank {}", tensor.shape.size());
  makers->push_back(std::make_unique<RowsFrom>(*tensor.maker, first));
  view.maker = makers->back().get();
  view.made_from = count * stored;
  return view;
}

}  // namespace spate
