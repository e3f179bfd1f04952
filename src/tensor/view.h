// Non-owning views of tensors. TensorView is what a checkpoint hands out: any rank, contiguous.
// MatrixView is what the loader cuts out of it for a backend: rows with a stride, so that a rank's
// slice of columns needs no copy. Both are plain values; whoever mapped the file outlives them. LoadedRows
// are rows that a single pass over a matrix reads; a RowMaker computes them where no file holds them as they are
// wanted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/stream_reader.h"
#include "quant/dtype.h"

namespace spate {

using Shape = std::vector<int64_t>;  // outermost first

std::string ToString(const Shape& shape);  // "[32, 64]"

// Computes rows of a matrix that is stored in some other form. Any thread.
class RowMaker {
 public:
  virtual ~RowMaker() = default;
  // Rows [first, first + count), tight, in the dtype of the view that names this maker.
  virtual void Make(int64_t first, int64_t count, std::byte* out) const noexcept = 0;
};

struct TensorView {
  DType dtype = DType::kF32;
  Shape shape;
  std::span<const std::byte> bytes;  // exactly the tensor; empty with a maker
  const RowMaker* maker = nullptr;   // of all rows of the last dimension; null = `bytes` holds them
  int64_t made_from = 0;             // bytes of the files that the maker reads
  // Where a file holds them, if the maker reads the mapping itself: for whoever gives its pages back.
  std::span<const std::byte> made_of{};

  int64_t StoredBytes() const { return maker == nullptr ? static_cast<int64_t>(bytes.size()) : made_from; }
};

struct MatrixView {
  const std::byte* data = nullptr;
  DType dtype = DType::kF32;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t row_bytes = 0;  // stride from row to row, in bytes
  // Reads bytes at `data` for a single pass more cheaply than `data` itself does; null = they are in memory.
  StreamReader* reader = nullptr;
  const RowMaker* maker = nullptr;  // instead of `data`, which is null then
  int64_t first_made = 0;           // the maker's number of this view's first row

  const std::byte* Row(int64_t r) const { return data + r * row_bytes; }  // not of a maker's
  MatrixView Rows(int64_t first, int64_t count) const {
    MatrixView view = *this;
    view.rows = count;
    if (maker == nullptr) {
      view.data = Row(first);
    } else {
      view.first_made += first;
    }
    return view;
  }
};

struct LoadedRows {
  MatrixView rows;
  StreamReader::Piece piece{};  // what `rows` lies in, if not in the matrix's own memory
  AlignedBuffer made{};         // likewise, of a maker
};

// How many rows of `row_bytes` one pass asks for at a time, always from a multiple of it: about 2 MiB, which keeps a
// fast disk busy and fits a cache; a multiple of 64.
int64_t RowsPerRead(int64_t row_bytes);

// Rows [first, first + count) in memory as long as the result lives. Any thread; see StreamReader::Read for failures.
LoadedRows LoadRows(const MatrixView& matrix, int64_t first, int64_t count) noexcept;

// A rank-2 tensor as a matrix, a rank-1 tensor as one row. Other ranks fail a CHECK.
MatrixView AsMatrix(const TensorView& tensor);

}  // namespace spate
