// Experts.
//
// Choice. Router logits are far apart by construction: expert e and a token are directions in the plane of the first
// two columns, the logit is their product, and a token's direction is a quarter of a step away from one expert's. The
// other columns of the router are zero, so a logit has at most 4 roundings: it is off by at most
// e_l = Gamma(4) sum |r x|, and the least gap between logits is checked to be far more.
//
// Weights. exp(l_i - l_max) / sum is off by a factor within exp(+-4 e_l): numerator and denominator by two logits each.
// The exponential, the division and f32 storage add at most kWeight = 2^-20.
//
// Hidden values h = act(g) u or act(g) have the bound of such an Apply (conformance_linear.cc). Where a kernel rounds
// its activations to the weights' format, x is known exactly, so its rounding is too; of h only h +- e_h is, and
// rounding is monotonic: the rounded value lies between the rounded ends of that interval. Weights are rounded alike
// everywhere. A device may or may not round activations: one of the two must fit throughout.
//
// An expert's result y = sum_j d_j h_j + b: Gamma(hidden + 4) (sum |d_j h_j| + |b|) + sum |d_j| e_h_j.
//
// Sum. out = before + scale sum_i w_i y_i in f32: active products and additions, a scaling and an addition:
// Gamma(active + 4) (|before| + |scale| sum |w_i y_i|), and |scale| sum w_i (e_y_i + f |y_i|) with f the error of a
// weight.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/check.h"
#include "tests/conformance_case.h"
#include "tests/conformance_data.h"
#include "tests/conformance_step.h"

namespace spate::conformance {
namespace {

using Kind = Epilogue::Kind;

constexpr double kActivation = 0x1p-20;  // as in conformance_linear.cc
constexpr double kWeight = 0x1p-20;

struct Shape {
  int experts = 4, active = 2;
  int dim = 20, hidden = 24;
  int tokens = 3;
  DType format = DType::kF32;
  Kind kind = Kind::kStore;
  float scale = 1;
  bool renormalize = true;
  bool bias = false;
  bool one_for_all = false;  // all tokens choose alike
  bool gated = true;
  Act act = Act::kSilu;

  int UpParts() const { return gated ? 2 : 1; }
};

double Activate(Act act, double y) {
  switch (act) {
    case Act::kSilu:
      return y / (1 + std::exp(-y));
    case Act::kGeluErf:
      return 0.5 * y * (1 + std::erf(y / std::numbers::sqrt2));
    case Act::kGeluTanh:
      return 0.5 * y * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (y + 0.044715 * y * y * y)));
    case Act::kRelu:
      return std::max(y, 0.0);
    case Act::kReluSquared:
      return std::max(y, 0.0) * std::max(y, 0.0);
  }
  CHECK(false, "activation {}", static_cast<int>(act));
}

float RoundTo(DType format, double value) {
  float rounded = static_cast<float>(value);
  std::byte bytes[4];
  Pack(format, &rounded, bytes, 1);
  Unpack(format, bytes, &rounded, 1);
  return rounded;
}

std::vector<float> Rounded(std::vector<float> values, DType format) {
  for (float& value : values) value = RoundTo(format, static_cast<double>(value));
  return values;
}

// A value and how far off it may be.
struct Bounded {
  double value = 0;
  double error = 0;
};

class ExpertsCase final : public Case {
 public:
  explicit ExpertsCase(const Shape& shape) : s_(shape) {
    Random random(static_cast<uint64_t>(s_.experts * 1009 + s_.dim * 31 + s_.hidden * 7 + s_.tokens));
    const auto size = [](int a, int b, int c) {
      return static_cast<size_t>(a) * static_cast<size_t>(b) * static_cast<size_t>(c);
    };
    const float up_scale = 1.5f / std::sqrt(static_cast<float>(s_.dim));
    gate_up_ = Rounded(random.Values(size(s_.UpParts() * s_.experts, s_.hidden, s_.dim), up_scale), s_.format);
    down_ = Rounded(random.Values(size(s_.experts, s_.dim, s_.hidden)), s_.format);
    gate_up_bias_ = random.Values(size(s_.UpParts() * s_.experts, s_.hidden, 1), 0.3f);
    down_bias_ = random.Values(size(s_.experts, s_.dim, 1));
    if (!s_.bias) {
      std::fill(gate_up_bias_.begin(), gate_up_bias_.end(), 0.0f);
      std::fill(down_bias_.begin(), down_bias_.end(), 0.0f);
    }
    x_ = random.Values(size(s_.tokens, s_.dim, 1));
    out_ = random.Values(size(s_.tokens, s_.dim, 1));
    router_.resize(size(s_.experts, s_.dim, 1));
    const double step = 2 * std::numbers::pi / s_.experts;
    for (int e = 0; e < s_.experts; ++e) {
      float* row = router_.data() + e * s_.dim;
      row[0] = static_cast<float>(0.4 / (step * step) * std::cos(e * step));
      row[1] = static_cast<float>(0.4 / (step * step) * std::sin(e * step));
    }
    for (int t = 0; t < s_.tokens; ++t) {
      // The last token chooses the last expert, so that a fault in that one's weights shows.
      const int e = s_.one_for_all ? s_.experts - 1 : (s_.experts - 1 + (s_.tokens - 1 - t) * 5) % s_.experts;
      float* row = x_.data() + t * s_.dim;
      const auto coordinate = [](double value) { return static_cast<float>(std::round(value * 256) / 256); };
      row[0] = coordinate(std::cos((e + 0.25) * step));  // exact in every format
      row[1] = coordinate(std::sin((e + 0.25) * step));
    }
  }

  std::string name() const override {
    return fmt::format("{} of {} experts, dim {}, hidden {}, {} tokens{}, {}, {}, scale {}{}{}{}, act {}", s_.active,
                       s_.experts, s_.dim, s_.hidden, s_.tokens, s_.one_for_all ? " that choose alike" : "",
                       spate::Name(s_.format), s_.kind == Kind::kStore ? "store" : "add", s_.scale,
                       s_.renormalize ? ", renormalized" : "", s_.bias ? ", bias" : "", s_.gated ? "" : ", not gated",
                       static_cast<int>(s_.act));
  }

  Output Run(Device& device) const override {
    const std::unique_ptr<Linear> router = PackStack(device, router_, {}, s_.experts, s_.dim, 1, 1, DType::kF32);
    const std::unique_ptr<Linear> gate_up =
        PackStack(device, gate_up_, gate_up_bias_, s_.hidden, s_.dim, s_.UpParts(), s_.experts, s_.format);
    const std::unique_ptr<Linear> down =
        PackStack(device, down_, down_bias_, s_.dim, s_.hidden, 1, s_.experts, s_.format);
    OpsConfig config = PlainConfig(s_.tokens, std::max(s_.dim, s_.hidden));
    config.dim = s_.dim;
    config.max_hidden = s_.hidden;
    config.max_experts = s_.experts;
    config.max_active = s_.active;
    const std::unique_ptr<Ops> ops = device.MakeOps(config);
    Step step(BlockPlan({s_.tokens}, 1), 1, OneSequence(s_.tokens));
    ops->Begin(step.batch());
    GuardedMat x(s_.tokens, s_.dim), out(s_.tokens, s_.dim, 5);
    x.Fill(x_);
    if (s_.kind == Kind::kAddTo) out.Fill(out_);
    const FfnSpec spec{.hidden = s_.hidden,
                       .act = s_.act,
                       .gated = s_.gated,
                       .experts = s_.experts,
                       .active = s_.active,
                       .renormalize = s_.renormalize};
    ops->Experts(spec, *router, *gate_up, *down, x.mat(), out.mat(), {.kind = s_.kind, .scale = s_.scale});
    Output output;
    output.values = out.Values();
    output.damage = out.Damage("out") + x.Damage("x");
    if (x.Values() != x_) output.damage += "x was changed";
    return output;
  }

  // The reference is one of the devices that are held against this.
  std::vector<Expectation> Expect(Device&) const override {
    std::vector<Expectation> all = {ExpectFor(false)};
    if (s_.format != DType::kF32) all.push_back(ExpectFor(true));
    return all;
  }

 private:
  // Each of `experts` has `parts` parts of [rows, cols].
  std::unique_ptr<Linear> PackStack(Device& device, const std::vector<float>& values, const std::vector<float>& biases,
                                    int rows, int cols, int parts, int experts, DType format) const {
    std::vector<SourceMatrix> sources, bias_sources;
    std::vector<MatrixView> views, bias_views;
    for (int64_t part = 0; part < int64_t{parts} * experts; ++part) {
      const auto weight = values.begin() + part * rows * cols;
      sources.emplace_back(std::vector<float>(weight, weight + int64_t{rows} * cols), rows, cols, DType::kF32);
      if (!s_.bias || biases.empty()) continue;
      const auto bias = biases.begin() + part * rows;
      bias_sources.emplace_back(std::vector<float>(bias, bias + rows), 1, rows, DType::kF32);
    }
    for (const SourceMatrix& source : sources) views.push_back(source.view());
    for (const SourceMatrix& source : bias_sources) bias_views.push_back(source.view());
    std::unique_ptr<Linear> linear =
        device.PackLinear({views, bias_views}, {.format = format, .gated = parts == 2, .experts = experts});
    for (SourceMatrix& source : sources) source.Scribble();
    for (SourceMatrix& source : bias_sources) source.Scribble();
    return linear;
  }

  // A matrix's rows times x: the value and the sum of absolute values.
  static Bounded Dot(const float* w, const std::vector<float>& x, float bias) {
    Bounded dot{static_cast<double>(bias), std::abs(static_cast<double>(bias))};
    for (size_t k = 0; k < x.size(); ++k) {
      const double product = static_cast<double>(w[k]) * static_cast<double>(x[k]);
      dot.value += product;
      dot.error += std::abs(product);
    }
    return dot;
  }

  struct Choice {
    std::vector<int> experts;
    std::vector<double> weights;
    double error = 0;  // relative, of a weight
  };
  Choice Choose(const float* x) const {
    std::vector<double> logits;
    double logit_error = 0;
    for (int e = 0; e < s_.experts; ++e) {
      const Bounded logit = Dot(router_.data() + e * s_.dim, {x, x + s_.dim}, 0);
      logits.push_back(logit.value);
      logit_error = std::max(logit_error, Gamma(4) * logit.error);
    }
    Choice choice;
    choice.experts.resize(logits.size());
    std::iota(choice.experts.begin(), choice.experts.end(), 0);
    const auto logit = [&](int e) { return logits[static_cast<size_t>(e)]; };
    std::sort(choice.experts.begin(), choice.experts.end(), [&](int a, int b) { return logit(a) > logit(b); });
    double sum = 0;
    for (int i = 0; i < s_.experts; ++i) {
      const int e = choice.experts[static_cast<size_t>(i)];
      const bool chosen = i < s_.active;
      const double weight = std::exp(logit(e) - logit(choice.experts[0]));
      if (chosen || !s_.renormalize) sum += weight;
      if (chosen) choice.weights.push_back(weight);
      if (!chosen || i == 0) continue;
      const double gap = logit(choice.experts[static_cast<size_t>(i) - 1]) - logit(e);
      CHECK(gap > 100 * logit_error, "{}: logits {} apart", name(), gap);
    }
    if (s_.active < s_.experts) {
      const auto last = static_cast<size_t>(s_.active);
      CHECK(logit(choice.experts[last - 1]) - logit(choice.experts[last]) > 100 * logit_error, "{}", name());
    }
    for (double& weight : choice.weights) weight /= sum;
    choice.experts.resize(choice.weights.size());
    choice.error = std::expm1(4 * logit_error) + kWeight;
    return choice;
  }

  Expectation ExpectFor(bool rounds) const {
    Expectation expectation;
    const double scale = std::abs(static_cast<double>(s_.scale));
    for (int t = 0; t < s_.tokens; ++t) {
      std::vector<float> x(x_.begin() + int64_t{t} * s_.dim, x_.begin() + int64_t{t + 1} * s_.dim);
      const Choice choice = Choose(x.data());
      if (rounds) x = Rounded(x, s_.format);
      std::vector<Bounded> sums(static_cast<size_t>(s_.dim));
      std::vector<double> magnitudes(sums.size());
      for (size_t i = 0; i < choice.experts.size(); ++i) {
        const std::vector<Bounded> y = Expert(choice.experts[i], x, rounds);
        for (size_t c = 0; c < sums.size(); ++c) {
          const double magnitude = choice.weights[i] * std::abs(y[c].value);
          sums[c].value += choice.weights[i] * y[c].value;
          sums[c].error += choice.weights[i] * (1 + choice.error) * y[c].error + choice.error * magnitude;
          magnitudes[c] += magnitude;
        }
      }
      for (size_t c = 0; c < sums.size(); ++c) {
        const size_t at = static_cast<size_t>(t) * sums.size() + c;
        const double before = s_.kind == Kind::kAddTo ? static_cast<double>(out_[at]) : 0;
        expectation.values.push_back(static_cast<float>(before + static_cast<double>(s_.scale) * sums[c].value));
        expectation.bounds.push_back(Gamma(s_.active + 4) * (std::abs(before) + scale * magnitudes[c]) +
                                     scale * sums[c].error);
      }
    }
    return expectation;
  }

  // Of expert e, for one row.
  std::vector<Bounded> Expert(int e, const std::vector<float>& x, bool rounds) const {
    std::vector<float> hidden;
    std::vector<double> hidden_errors;
    const int64_t first = int64_t{s_.UpParts()} * e * s_.hidden;
    const double gamma = Gamma(s_.dim + 4);
    const bool gelu = s_.act == Act::kGeluErf || s_.act == Act::kGeluTanh;
    for (int64_t j = first; j < first + s_.hidden; ++j) {
      const auto row = [&](int64_t r) {
        return Dot(gate_up_.data() + r * s_.dim, x, gate_up_bias_[static_cast<size_t>(r)]);
      };
      const Bounded gate = row(j), up = s_.gated ? row(j + s_.hidden) : Bounded{1, 0};
      const double y = std::abs(gate.value), gate_error = gamma * gate.error, up_error = gamma * up.error;
      const double u = std::abs(up.value) + up_error;
      const bool squares = s_.act == Act::kReluSquared;
      const double value = Activate(s_.act, gate.value) * up.value;
      double error = (squares ? 2 * y + gate_error : 1.13) * gate_error * u + (squares ? y * y : y) * up_error +
                     kActivation * (gelu ? y * u : std::abs(value)) + kRoundoff * up_error;
      hidden.push_back(rounds ? RoundTo(s_.format, value) : static_cast<float>(value));
      if (rounds) {
        const auto kept = static_cast<double>(hidden.back());
        error = std::max(static_cast<double>(RoundTo(s_.format, value + error)) - kept,
                         kept - static_cast<double>(RoundTo(s_.format, value - error)));
      }
      hidden_errors.push_back(error);
    }
    std::vector<Bounded> result;
    for (int64_t r = int64_t{e} * s_.dim; r < int64_t{e + 1} * s_.dim; ++r) {
      const float* w = down_.data() + r * s_.hidden;
      Bounded y = Dot(w, hidden, down_bias_[static_cast<size_t>(r)]);
      y.error *= Gamma(s_.hidden + 4);
      for (size_t j = 0; j < hidden.size(); ++j) y.error += std::abs(static_cast<double>(w[j])) * hidden_errors[j];
      result.push_back(y);
    }
    return result;
  }

  Shape s_;
  std::vector<float> router_;                  // [experts, dim]
  std::vector<float> gate_up_, gate_up_bias_;  // [experts, gate | up, hidden, dim]
  std::vector<float> down_, down_bias_;        // [experts, dim, hidden]
  std::vector<float> x_, out_;                 // [tokens, dim]
};

}  // namespace

CaseList ExpertsCases() {
  CaseList cases;
  const auto add = [&](const Shape& shape) { cases.push_back(std::make_unique<ExpertsCase>(shape)); };
  for (DType format : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (int experts : {4, 8, 60, 128}) {
      for (int active : {1, 2, 4, 8}) {
        if (active > experts) continue;
        const bool odd = active % 4 == 2;
        add({.experts = experts, .active = active, .tokens = 3, .format = format, .renormalize = !odd, .bias = odd});
      }
    }
    add({.experts = 1, .active = 1, .format = format, .bias = true});  // no stack
    // Hidden around lanes, tiles and pairs.
    for (int hidden : {1, 2, 15, 16, 17, 31, 33, 63, 64, 65, 129}) {
      add({.dim = 19, .hidden = hidden, .format = format, .renormalize = hidden % 2 == 0});
    }
    for (int dim : {3, 16, 33, 65, 600}) add({.dim = dim, .hidden = 21, .format = format, .bias = true});
    for (int tokens : {1, 2, 3, 7, 64, 65}) {
      add({.experts = 8, .tokens = tokens, .format = format, .kind = Kind::kAddTo, .scale = 0.375f});
      add({.experts = 60, .active = 4, .tokens = tokens, .format = format, .renormalize = false});
      add({.experts = 8, .active = 1, .tokens = tokens, .format = format, .one_for_all = true});
    }
    add({.experts = 4, .active = 4, .tokens = 65, .format = format, .kind = Kind::kAddTo, .scale = -2, .bias = true});
    for (const Act act : {Act::kSilu, Act::kGeluErf, Act::kGeluTanh, Act::kRelu, Act::kReluSquared}) {
      for (const bool gated : {false, true}) {
        add({.tokens = 9, .format = format, .bias = true, .gated = gated, .act = act});
      }
    }
    // More rows than a task takes, more columns than are summed at a time, enough work for all threads.
    add({.experts = 4, .active = 2, .dim = 520, .hidden = 70, .tokens = 200, .format = format, .one_for_all = true});
  }
  return cases;
}

}  // namespace spate::conformance
