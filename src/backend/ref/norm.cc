#include "backend/ref/norm.h"

#include <cmath>

#include "backend/ref/mat.h"
#include "base/check.h"

namespace spate::ref {

void Normalize(const NormSpec& spec, const float* x, size_t count, const float* weight, const RefVec* bias,
               float* out) {
  const double n = static_cast<double>(count);
  double mean = 0;
  if (spec.kind == NormKind::kLayer) {
    for (size_t i = 0; i < count; ++i) mean += static_cast<double>(x[i]);
    mean /= n;
  }
  double squares = 0;
  for (size_t i = 0; i < count; ++i) {
    const double d = static_cast<double>(x[i]) - mean;
    squares += d * d;
  }
  const double scale = 1.0 / std::sqrt(squares / n + static_cast<double>(spec.eps));
  for (size_t i = 0; i < count; ++i) {
    const double y = (static_cast<double>(x[i]) - mean) * scale * static_cast<double>(weight[i]);
    out[i] = static_cast<float>(y + (bias == nullptr ? 0.0 : static_cast<double>(bias->bias(i))));
  }
}

void AddNorm(const RefVec& w, const NormSpec& spec, const Mat* delta, const Mat& x, const Mat& out) {
  const int dim = static_cast<int>(w.values().size());
  CheckShape("x", x, x.rows, dim);
  CheckShape("out", out, x.rows, dim);
  if (delta != nullptr) CheckShape("delta", *delta, x.rows, dim);

  for (int r = 0; r < x.rows; ++r) {
    float* values = Row(x, r);
    if (delta != nullptr) {
      for (int i = 0; i < dim; ++i) values[i] += Row(*delta, r)[i];
    }
    Normalize(spec, values, w.values().size(), w.values().data(), &w, Row(out, r));
  }
}

}  // namespace spate::ref
