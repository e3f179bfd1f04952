#include "backend/ref/linear.h"

#include <algorithm>
#include <cmath>
#include <numbers>

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

double Sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

double Activate(Act act, double x) {
  switch (act) {
    case Act::kSilu:
      return x / (1.0 + std::exp(-x));
    case Act::kGeluErf:
      return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2));
    case Act::kGeluTanh:
      return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Act::kRelu:
      return std::max(x, 0.0);
    case Act::kReluSquared:
      return std::max(x, 0.0) * std::max(x, 0.0);
  }
  CHECK(false, "activation {}", static_cast<int>(act));
}

void Apply(const RefLinear& w, const Mat& x, const Mat& out, const Epilogue& epilogue, int expert) {
  const bool gate = epilogue.kind == Epilogue::Kind::kGate;
  CHECK(gate == w.gated(), "kGate needs a Linear packed with `gated`, and the other way round");
  CHECK(expert >= 0 && expert < w.experts(), "expert {} of {}", expert, w.experts());
  const int64_t rows = w.rows() / w.experts();
  const int64_t first = expert * rows;
  const int64_t outputs = gate ? rows / 2 : rows;
  const double scale = static_cast<double>(epilogue.scale);
  CheckShape("x", x, x.rows, w.cols());
  CheckShape("out", out, x.rows, outputs);

  std::vector<float> weights(static_cast<size_t>(w.cols()));
  std::vector<float> up_weights(gate ? weights.size() : 0);
  for (int64_t r = 0; r < outputs; ++r) {
    w.weights().Read(first + r, weights.data());
    if (gate) w.weights().Read(first + outputs + r, up_weights.data());
    for (int t = 0; t < x.rows; ++t) {
      const double y = Dot(weights, Row(x, t)) + static_cast<double>(w.bias(first + r));
      float& result = Row(out, t)[r];
      switch (epilogue.kind) {
        case Epilogue::Kind::kStore:
          result = static_cast<float>(scale * y);
          break;
        case Epilogue::Kind::kAct:
          result = static_cast<float>(Activate(epilogue.act, y));
          break;
        case Epilogue::Kind::kAddTo:
          result = static_cast<float>(static_cast<double>(result) + scale * y);
          break;
        case Epilogue::Kind::kGate: {
          const double up = Dot(up_weights, Row(x, t)) + static_cast<double>(w.bias(first + outputs + r));
          result = static_cast<float>(Activate(epilogue.act, y) * up);
          break;
        }
      }
    }
  }
}

}  // namespace spate::ref
