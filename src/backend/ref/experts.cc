#include "backend/ref/experts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "backend/ref/linear.h"
#include "backend/ref/mat.h"
#include "base/check.h"

namespace spate::ref {
namespace {

struct Choice {
  std::vector<int> experts;     // largest logit first
  std::vector<double> weights;  // of them
};

Choice Choose(const FfnSpec& spec, const std::vector<float>& logits) {
  Choice choice;
  choice.experts.resize(logits.size());
  std::iota(choice.experts.begin(), choice.experts.end(), 0);
  const auto logit = [&](int e) { return static_cast<double>(logits[static_cast<size_t>(e)]); };
  // A NaN is chosen last; where it takes part in a weight, the weight is NaN.
  const auto key = [&](int e) { return std::isnan(logit(e)) ? -std::numeric_limits<double>::infinity() : logit(e); };
  std::stable_sort(choice.experts.begin(), choice.experts.end(), [&](int a, int b) { return key(a) > key(b); });
  const double max = logit(choice.experts.front());
  double sum = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double weight = std::exp(logit(choice.experts[i]) - max);
    const bool chosen = i < static_cast<size_t>(spec.active);
    if (chosen || !spec.renormalize) sum += weight;
    if (chosen) choice.weights.push_back(weight);
  }
  for (double& weight : choice.weights) weight /= sum;
  choice.experts.resize(choice.weights.size());
  return choice;
}

}  // namespace

void Experts(const FfnSpec& spec, const RefLinear& router, const RefLinear& gate_up, const RefLinear& down,
             const Mat& x, const Mat& out, const Epilogue& epilogue) {
  CHECK(spec.active >= 1 && spec.active <= spec.experts, "{} of {} experts", spec.active, spec.experts);
  CHECK(router.rows() == spec.experts && gate_up.experts() == spec.experts && down.experts() == spec.experts);
  CHECK(epilogue.kind == Epilogue::Kind::kStore || epilogue.kind == Epilogue::Kind::kAddTo);
  CheckShape("out", out, x.rows, down.rows() / spec.experts);
  std::vector<float> logits(static_cast<size_t>(spec.experts));
  std::vector<float> hidden(static_cast<size_t>(spec.hidden));
  std::vector<float> result(static_cast<size_t>(out.cols));
  for (int t = 0; t < x.rows; ++t) {
    const Mat row{Row(x, t), 1, x.cols, x.cols};
    const auto as_row = [](std::vector<float>& values) {
      const int count = static_cast<int>(values.size());
      return Mat{values.data(), 1, count, count};
    };
    Apply(router, row, as_row(logits), {});
    const Choice choice = Choose(spec, logits);
    std::vector<double> sum(result.size());
    for (size_t i = 0; i < choice.experts.size(); ++i) {
      const Epilogue::Kind kind = spec.gated ? Epilogue::Kind::kGate : Epilogue::Kind::kAct;
      Apply(gate_up, row, as_row(hidden), {.kind = kind, .act = spec.act}, choice.experts[i]);
      Apply(down, as_row(hidden), as_row(result), {}, choice.experts[i]);
      for (size_t j = 0; j < sum.size(); ++j) sum[j] += choice.weights[i] * static_cast<double>(result[j]);
    }
    for (size_t j = 0; j < sum.size(); ++j) {
      float& value = Row(out, t)[j];
      const double before = epilogue.kind == Epilogue::Kind::kAddTo ? static_cast<double>(value) : 0.0;
      value = static_cast<float>(before + static_cast<double>(epilogue.scale) * sum[j]);
    }
  }
}

void AddGated(const RefLinear& gate, const Mat& x, const Mat& delta, float scale, const Mat& out) {
  CheckShape("delta", delta, x.rows, out.cols);
  CheckShape("out", out, x.rows, out.cols);
  CHECK(gate.rows() == 1, "{} rows", gate.rows());
  std::vector<float> logits(static_cast<size_t>(x.rows));
  Apply(gate, x, {logits.data(), x.rows, 1, 1}, {});
  for (int t = 0; t < x.rows; ++t) {
    const double factor = static_cast<double>(scale) * Sigmoid(static_cast<double>(logits[static_cast<size_t>(t)]));
    for (int i = 0; i < out.cols; ++i) {
      const double sum = static_cast<double>(Row(out, t)[i]) + factor * static_cast<double>(Row(delta, t)[i]);
      Row(out, t)[i] = static_cast<float>(sum);
    }
  }
}

}  // namespace spate::ref
