#include "backend/ref/linear.h"

#include <cmath>

#include "backend/ref/mat.h"
#include "base/check.h"

namespace spate::ref {
namespace {

double Dot(const std::vector<float>& a, const float* b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

}  // namespace

double Silu(double x) { return x / (1.0 + std::exp(-x)); }

void Apply(const RefLinear& w, const Mat& x, const Mat& out, const Epilogue& epilogue) {
  const bool gate = epilogue.kind == Epilogue::Kind::kGate;
  CHECK(gate == w.gated(), "kGate needs a Linear packed with `gated`, and the other way round");
  const int64_t outputs = gate ? w.rows() / 2 : w.rows();
  CheckShape("x", x, x.rows, w.cols());
  CheckShape("out", out, x.rows, outputs);

  std::vector<float> weights(static_cast<size_t>(w.cols()));
  std::vector<float> up_weights(gate ? weights.size() : 0);
  for (int64_t r = 0; r < outputs; ++r) {
    w.weights().Read(r, weights.data());
    if (gate) w.weights().Read(outputs + r, up_weights.data());
    for (int t = 0; t < x.rows; ++t) {
      const double y = Dot(weights, Row(x, t)) + static_cast<double>(w.bias(r));
      float& result = Row(out, t)[r];
      switch (epilogue.kind) {
        case Epilogue::Kind::kStore:
          result = static_cast<float>(y);
          break;
        case Epilogue::Kind::kAddTo:
          result = static_cast<float>(static_cast<double>(result) + y);
          break;
        case Epilogue::Kind::kGate: {
          const double up = Dot(up_weights, Row(x, t)) + static_cast<double>(w.bias(outputs + r));
          result = static_cast<float>(Silu(y) * up);
          break;
        }
      }
    }
  }
}

}  // namespace spate::ref
