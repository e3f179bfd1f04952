#include "backend/ref/norm.h"

#include <cmath>

#include "backend/ref/mat.h"
#include "base/check.h"

namespace spate::ref {

void AddNorm(const RefVec& w, const NormSpec& spec, const Mat* delta, const Mat& x, const Mat& out) {
  const int dim = static_cast<int>(w.values().size());
  CHECK(spec.kind == NormKind::kRms);
  CheckShape("x", x, x.rows, dim);
  CheckShape("out", out, x.rows, dim);
  if (delta != nullptr) CheckShape("delta", *delta, x.rows, dim);

  for (int r = 0; r < x.rows; ++r) {
    float* values = Row(x, r);
    if (delta != nullptr) {
      for (int i = 0; i < dim; ++i) values[i] += Row(*delta, r)[i];
    }
    double squares = 0;
    for (int i = 0; i < dim; ++i) squares += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    const double scale = 1.0 / std::sqrt(squares / dim + static_cast<double>(spec.eps));
    for (int i = 0; i < dim; ++i) {
      Row(out, r)[i] = static_cast<float>(static_cast<double>(values[i]) * scale *
                                          static_cast<double>(w.values()[static_cast<size_t>(i)]));
    }
  }
}

}  // namespace spate::ref
