// How the reference backend looks into a Mat and down-casts what it packed itself.
#pragma once

#include "backend/ops.h"
#include "base/check.h"

namespace spate::ref {

inline float* Row(const Mat& mat, int row) {
  DCHECK(row >= 0 && row < mat.rows, "row {} of {}", row, mat.rows);
  return static_cast<float*>(mat.data) + row * mat.stride;
}

inline void CheckShape(const char* what, const Mat& mat, int64_t rows, int64_t cols) {
  CHECK(mat.dtype == DType::kF32, "{} is {}", what, Name(mat.dtype));
  CHECK(mat.rows == rows && mat.cols == cols && mat.stride >= cols, "{} is [{}, {}] stride {}, expected [{}, {}]", what,
        mat.rows, mat.cols, mat.stride, rows, cols);
}

// A weight that another device packed is a bug of the caller.
template <typename T, typename Base>
const T& As(const Base& weight) {
  const T* own = dynamic_cast<const T*>(&weight);
  CHECK(own != nullptr, "weight was packed by another device");
  return *own;
}

}  // namespace spate::ref
