// AddNorm: both kinds, with and without a residual, a bias, an offset and a weight.
//
// Tolerance. The residual is one f32 addition: at most one rounding off.
//
// kRms: the mean of squares is within Gamma(dim + 2), which the root halves; the root, a division and the two products
// of the result add few roundings of their own, 8 with an approximate root refined once: relative error
// Gamma(dim / 2 + 12) of norm(x) w, and one rounding where a bias is added.
//
// kLayer: with a the largest |x|, the mean is within Gamma(dim + 1) a, and so is every distance d from it within
// E = Gamma(dim + 4) 2 a. The root of mean(d^2) is a norm of d, and s = sqrt(variance + eps) does not grow faster than
// it: s is within E as well, besides the roundings of kRms. So norm(x) = d / s is off by at most
//   E / s + |d| / s (E / s + Gamma(dim / 2 + 12)).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tests/conformance_case.h"
#include "tests/conformance_data.h"
#include "tests/conformance_step.h"

namespace spate::conformance {
namespace {

struct Shape {
  int rows = 3;
  int dim = 1;
  bool delta = false;
  bool in_place = false;
  float scale = 1;  // of the values
  NormKind kind = NormKind::kRms;
  bool bias = false;
  bool ones = false;  // no weight
  float offset = 0;
};

constexpr float kEps = 1e-5f;

class AddNormCase final : public Case {
 public:
  explicit AddNormCase(const Shape& shape) : shape_(shape) {}

  std::string name() const override {
    return fmt::format("{} {} rows of {}{}{}{}{}, offset {}, values about {}", shape_.rows,
                       shape_.kind == NormKind::kRms ? "rms" : "layer", shape_.dim, shape_.delta ? ", residual" : "",
                       shape_.in_place ? ", in place" : "", shape_.bias ? ", bias" : "", shape_.ones ? ", ones" : "",
                       shape_.offset, shape_.scale);
  }
  // The only value of a layer norm is its own mean: nothing is left of it or its weight.
  bool Feels(Fault fault) const override {
    const bool one_value = shape_.dim == 1;
    if (fault == Fault::kWeight) return !(one_value && shape_.kind == NormKind::kLayer);
    return Case::Feels(fault) && (fault != Fault::kPosition || !one_value);
  }

  // The norms, then the residuals; in place there is nothing left of those.
  Output Run(Device& device) const override {
    const Inputs inputs = MakeInputs();
    SourceMatrix weight(inputs.weight, 1, shape_.dim, DType::kBF16);
    SourceMatrix bias(inputs.bias, 1, shape_.dim, DType::kBF16);
    VecSource source{.offset = shape_.offset, .size = shape_.dim};
    if (!shape_.ones) source.weight = weight.view();
    if (shape_.bias) source.bias = bias.view();
    const std::unique_ptr<Vec> vec = device.PackVec(source);
    weight.Scribble();
    bias.Scribble();
    const std::unique_ptr<Ops> ops = device.MakeOps(PlainConfig(shape_.rows, shape_.dim));
    Step step(BlockPlan({shape_.rows}, 1), 1, OneSequence(shape_.rows));
    ops->Begin(step.batch());
    GuardedMat x(shape_.rows, shape_.dim), delta(shape_.rows, shape_.dim, 2), out(shape_.rows, shape_.dim, 4);
    x.Fill(inputs.x);
    delta.Fill(inputs.delta);
    const Mat delta_mat = delta.mat();
    ops->AddNorm(*vec, {shape_.kind, kEps}, shape_.delta ? &delta_mat : nullptr, x.mat(),
                 shape_.in_place ? x.mat() : out.mat());
    Output output;
    output.values = shape_.in_place ? x.Values() : out.Values();
    if (!shape_.in_place) {
      const std::vector<float> residual = x.Values();
      output.values.insert(output.values.end(), residual.begin(), residual.end());
    }
    output.damage = x.Damage("x") + out.Damage("out") + delta.Damage("delta");
    return output;
  }

  std::vector<Expectation> Expect(Device& ref) const override {
    Expectation expectation;
    expectation.values = Run(ref).values;
    const Inputs inputs = MakeInputs();
    const size_t dim = static_cast<size_t>(shape_.dim);
    const size_t norms = static_cast<size_t>(shape_.rows) * dim;
    for (size_t i = 0; i < expectation.values.size(); ++i) {
      const double value = std::abs(static_cast<double>(expectation.values[i]));
      if (i >= norms) {
        expectation.bounds.push_back(kRoundoff * value);
        continue;
      }
      const double bias = shape_.bias ? std::abs(static_cast<double>(inputs.bias[i % dim])) : 0;
      const double scaled = value + bias;  // bounds |norm(x) w|
      double bound = Gamma(dim_roundings()) * scaled + (shape_.bias ? kRoundoff * value : 0);
      if (shape_.kind == NormKind::kLayer) {
        const auto [largest, s] = Row(inputs, i / dim);
        const double weight = std::abs(1.0 + static_cast<double>(shape_.offset));  // |w| is below 1, or 1 without one
        const double relative = Gamma(shape_.dim + 4) * 2 * largest / s;
        bound += relative * (weight + scaled);
      }
      expectation.bounds.push_back(bound);
    }
    return {expectation};
  }

 private:
  struct Inputs {
    std::vector<float> weight, bias, x, delta;
  };

  double dim_roundings() const { return shape_.dim / 2.0 + 12; }

  Inputs MakeInputs() const {
    const size_t dim = static_cast<size_t>(shape_.dim);
    const size_t size = static_cast<size_t>(shape_.rows) * dim;
    Random random(static_cast<uint64_t>(shape_.rows * 31 + shape_.dim));
    Inputs inputs;
    inputs.weight = random.Values(dim);
    inputs.bias = random.Values(dim);
    inputs.x = random.Values(size, shape_.scale);
    inputs.delta = random.Values(size, shape_.scale);
    return inputs;
  }

  // The largest |x| of a row after the residual, and sqrt(variance + eps).
  std::pair<double, double> Row(const Inputs& inputs, size_t row) const {
    const size_t dim = static_cast<size_t>(shape_.dim);
    std::vector<double> x;
    for (size_t i = row * dim; i < (row + 1) * dim; ++i) {
      x.push_back(static_cast<double>(shape_.delta ? inputs.x[i] + inputs.delta[i] : inputs.x[i]));
    }
    double mean = 0, largest = 0, squares = 0;
    for (const double value : x) {
      mean += value / shape_.dim;
      largest = std::max(largest, std::abs(value));
    }
    for (const double value : x) squares += (value - mean) * (value - mean);
    return {largest, std::sqrt(squares / shape_.dim + static_cast<double>(kEps))};
  }

  Shape shape_;
};

}  // namespace

CaseList AddNormCases() {
  CaseList cases;
  const auto add = [&](const Shape& shape) { cases.push_back(std::make_unique<AddNormCase>(shape)); };
  for (const NormKind kind : {NormKind::kRms, NormKind::kLayer}) {
    for (int dim : {1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 257, 1000, 4096}) {
      for (bool delta : {false, true}) {
        for (bool in_place : {false, true}) {
          add({.dim = dim, .delta = delta, .in_place = in_place, .kind = kind});
          add({.dim = dim, .delta = delta, .in_place = in_place, .kind = kind, .bias = true});
        }
      }
    }
    for (int dim : {7, 48}) {
      for (bool bias : {false, true}) {
        add({.dim = dim, .delta = true, .kind = kind, .bias = bias, .offset = 1});
        add({.dim = dim, .delta = true, .kind = kind, .bias = bias, .ones = true});
      }
    }
    for (int rows : {1, 2, 5, 17, 64}) add({.rows = rows, .dim = 48, .delta = true, .kind = kind, .bias = true});
  }
  add({.rows = 70, .dim = 700, .delta = true, .kind = NormKind::kLayer, .bias = true});  // enough for several threads
  for (float scale : {1e-3f, 1e-8f, 1e4f, 1e8f}) add({.rows = 4, .dim = 77, .delta = true, .scale = scale});
  for (float scale : {1e4f, 1e8f}) {
    add({.rows = 4, .dim = 77, .delta = true, .scale = scale, .kind = NormKind::kLayer, .bias = true});
  }
  return cases;
}

}  // namespace spate::conformance
