// Rows of a matrix that is stored column by column, as [cols, rows]. The tensor must outlive it. Thread-safe.
#pragma once

#include "tensor/view.h"

namespace spate {

class TransposedRows final : public RowMaker {
 public:
  explicit TransposedRows(const MatrixView& stored) : stored_(stored) {}  // of a plain format
  void Make(int64_t first, int64_t count, std::byte* out) const noexcept override;

 private:
  MatrixView stored_;  // [cols, rows]
};

}  // namespace spate
