// AddGated: out + scale s d, s = sigmoid(z). |s'| <= 1/4, so s is off by e_z / 4, e_z = Gamma(cols + 4) sum |g x|, and
// by what the exponential, the division and f32 storage add, at most kWeight = 2^-20; then 4 roundings.
#include <fmt/format.h>

#include <cmath>

#include "tests/conformance_case.h"
#include "tests/conformance_data.h"
#include "tests/conformance_step.h"

namespace spate::conformance {
namespace {

constexpr double kWeight = 0x1p-20;

class AddGatedCase final : public Case {
 public:
  AddGatedCase(int rows, int cols, int dim, float scale) : rows_(rows), cols_(cols), dim_(dim), scale_(scale) {}

  std::string name() const override {
    return fmt::format("{} rows of {}, gate of {}, scale {}", rows_, dim_, cols_, scale_);
  }
  bool Feels(Fault fault) const override { return Case::Feels(fault) && (fault != Fault::kPosition || cols_ > 1); }

  Output Run(Device& device) const override {
    const Inputs inputs = MakeInputs();
    SourceMatrix source(inputs.gate, 1, cols_, DType::kF32);
    const MatrixView view = source.view();
    const std::unique_ptr<Linear> gate = device.PackLinear({{&view, 1}, {}}, {.format = DType::kF32});
    source.Scribble();
    const std::unique_ptr<Ops> ops = device.MakeOps(PlainConfig(rows_, std::max(cols_, dim_)));
    Step step(BlockPlan({rows_}, 1), 1, OneSequence(rows_));
    ops->Begin(step.batch());
    GuardedMat x(rows_, cols_), delta(rows_, dim_, 2), out(rows_, dim_, 4);
    x.Fill(inputs.x);
    delta.Fill(inputs.delta);
    out.Fill(inputs.out);
    ops->AddGated(*gate, x.mat(), delta.mat(), scale_, out.mat());
    return {out.Values(), {}, out.Damage("out") + x.Damage("x") + delta.Damage("delta")};
  }

  std::vector<Expectation> Expect(Device& ref) const override {
    const Inputs inputs = MakeInputs();
    Expectation expectation;
    expectation.values = Run(ref).values;
    for (int r = 0; r < rows_; ++r) {
      double z = 0, magnitude = 0;
      for (int c = 0; c < cols_; ++c) {
        const double product = static_cast<double>(inputs.gate[static_cast<size_t>(c)]) *
                               static_cast<double>(inputs.x[static_cast<size_t>(r * cols_ + c)]);
        z += product;
        magnitude += std::abs(product);
      }
      const double factor = 1 / (1 + std::exp(-z));
      const double factor_error = Gamma(cols_ + 4) * magnitude / 4 + kWeight * factor;
      for (int i = 0; i < dim_; ++i) {
        const auto at = static_cast<size_t>(r * dim_ + i);
        const double delta = std::abs(static_cast<double>(scale_) * static_cast<double>(inputs.delta[at]));
        expectation.bounds.push_back(factor_error * delta +
                                     Gamma(4) * (std::abs(static_cast<double>(inputs.out[at])) + factor * delta));
      }
    }
    return {expectation};
  }

 private:
  struct Inputs {
    std::vector<float> gate, x, delta, out;
  };
  Inputs MakeInputs() const {
    Random random(static_cast<uint64_t>(rows_ * 31 + cols_ * 7 + dim_));
    const auto size = [&](int cols) { return static_cast<size_t>(rows_ * cols); };
    Inputs inputs;
    inputs.gate = random.Values(static_cast<size_t>(cols_), 1.0f / std::sqrt(static_cast<float>(cols_)));
    inputs.x = random.Values(size(cols_));
    inputs.delta = random.Values(size(dim_));
    inputs.out = random.Values(size(dim_));
    return inputs;
  }

  int rows_, cols_, dim_;
  float scale_;
};

}  // namespace

CaseList AddGatedCases() {
  CaseList cases;
  for (int dim : {1, 2, 15, 16, 17, 33, 64, 257, 4096}) {
    cases.push_back(std::make_unique<AddGatedCase>(3, 20, dim, 1.0f));
  }
  for (int cols : {1, 16, 65, 1000}) cases.push_back(std::make_unique<AddGatedCase>(2, cols, 40, 0.5f));
  for (int rows : {1, 2, 7, 65, 200}) cases.push_back(std::make_unique<AddGatedCase>(rows, 48, 300, -1.5f));
  return cases;
}

}  // namespace spate::conformance
