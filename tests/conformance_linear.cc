// Apply: every format, epilogue and shape around the sizes at which kernels change course.
//
// Tolerance. y = sum_k w_k x_k + b in f32, in any order, fused or not: cols products, cols additions and
// the bias are at most cols + 1 roundings on any path, the scale and the residual one more each, the reference's own
// store another: |error| <= Gamma(cols + 5) (|scale| (sum |w_k x_k| + |b|) + |out before|). The sums come from the
// reference itself, run on absolute values. Weights are rounded alike everywhere, those of a block format are the
// exact values that its bits define; activations may be rounded to the weights' format (to int8 groups, if that is a
// block format, as quant/int8_group.h defines them) or not, so the reference is asked for both, and one must fit
// throughout.
//
// Activations. An error e of y becomes at most 1.13 e behind any of them but the square, |act'| <= 1.13, and there
// (2 |y| + e) e. By itself an activation loses kActivation = 2^-20: an exp within 2^-21, a division and a
// multiplication. That is a part of the result; for gelu of |y|, as 1 + erf and 1 + tanh may cancel below zero.
//
// Gate. With errors e_g and e_u of the two halves, out = act(g) u is off by at most the error of act(g) times
// |u| + e_u, and |act(g)| e_u, where |act(g)| <= |g|, or g^2.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "quant/int8_group.h"
#include "tests/conformance_case.h"
#include "tests/conformance_data.h"
#include "tests/conformance_step.h"

namespace spate::conformance {
namespace {

using Kind = Epilogue::Kind;

constexpr double kActivation = 0x1p-20;

struct Shape {
  std::vector<int> parts;  // rows of each
  int cols = 1;
  int tokens = 1;
  DType format = DType::kF32;
  Kind kind = Kind::kStore;
  bool bias = false;
  DType source = DType::kF32;
  Act act = Act::kSilu;
  float scale = 1;
  std::vector<DType> own{};  // of each part, which keeps it (LinearSpec::own_bits); empty = all are `source`

  bool Blocks() const { return Traits(format).block_elements > 1; }
  DType Source(size_t part) const { return !own.empty() ? own[part] : Blocks() ? format : source; }
  int Rows() const {
    int rows = 0;
    for (int part : parts) rows += part;
    return rows;
  }
  int Outputs() const { return kind == Kind::kGate ? Rows() / 2 : Rows(); }
};

struct Inputs {
  std::vector<float> weights, bias, x, out;
  std::vector<std::vector<std::byte>> rows;  // of each part: the same weights in a format that nobody writes, or empty
};

std::vector<float> Absolute(std::vector<float> values) {
  for (float& value : values) value = std::abs(value);
  return values;
}

std::vector<float> RoundedToInt8(std::vector<float> values) {
  for (size_t i = 0; i < values.size(); i += kInt8Group) {
    const Int8Group group = QuantizeInt8(&values[i]);
    for (size_t k = 0; k < kInt8Group; ++k) values[i + k] = group.scale * static_cast<float>(group.levels[k]);
  }
  return values;
}

std::vector<float> Rounded(const std::vector<float>& values, DType format) {
  std::vector<std::byte> bytes(values.size() * 4);
  std::vector<float> rounded(values.size());
  Pack(format, values.data(), bytes.data(), values.size());
  Unpack(format, bytes.data(), rounded.data(), values.size());
  return rounded;
}

// What an error of y becomes behind an activation.
double Through(Act act, double y, double error) {
  return (act == Act::kReluSquared ? 2 * std::abs(y) + error : 1.13) * error;
}

// The largest |act(y)|.
double Size(Act act, double y) { return act == Act::kReluSquared ? y * y : std::abs(y); }

class ApplyCase final : public Case {
 public:
  explicit ApplyCase(Shape shape) : shape_(std::move(shape)) {}

  std::string name() const override {
    constexpr const char* kKinds[] = {"store", "add", "act", "gate"};
    return fmt::format("{} rows ({} parts) x {} cols, {} tokens, {} from {}, {}{}, act {}, times {}", shape_.Rows(),
                       shape_.parts.size(), shape_.cols, shape_.tokens, spate::Name(shape_.format),
                       spate::Name(shape_.Source(0)), kKinds[static_cast<int>(shape_.kind)],
                       shape_.bias ? ", bias" : "", static_cast<int>(shape_.act), shape_.scale);
  }

  bool Feels(Fault fault) const override {
    // One negative output is 0 behind relu, whatever it was.
    const bool relu = shape_.act == Act::kRelu || shape_.act == Act::kReluSquared;
    const bool seen = shape_.cols > 1 && !(relu && shape_.Outputs() == 1);
    return Case::Feels(fault) && (fault != Fault::kPosition || seen);
  }

  Output Run(Device& device) const override { return Compute(device, shape_, MakeInputs()); }

  std::vector<Expectation> Expect(Device& ref) const override {
    Inputs inputs = MakeInputs();
    std::vector<Expectation> all = {ExpectFor(ref, inputs)};
    if (shape_.format != DType::kF32 && !shape_.Blocks()) {
      inputs.x = Rounded(inputs.x, shape_.format);
      all.push_back(ExpectFor(ref, inputs));
    }
    std::vector<bool> int8;  // of each row
    for (size_t part = 0; part < shape_.parts.size(); ++part)
      int8.resize(int8.size() + shape_.parts[part], IsInt8(part));
    if (std::find(int8.begin(), int8.end(), true) == int8.end()) return all;
    inputs.x = RoundedToInt8(inputs.x);
    const Expectation rounded = ExpectFor(ref, inputs);
    all.push_back(all.front());
    for (size_t i = 0; i < rounded.values.size(); ++i) {
      if (!int8[i % static_cast<size_t>(shape_.Outputs())]) continue;
      all.back().values[i] = rounded.values[i];
      all.back().bounds[i] = rounded.bounds[i];
    }
    return all;
  }

 private:
  // Whether a part stays in blocks (of a gated pair both do): then its activations may be int8.
  bool IsInt8(size_t part) const {
    constexpr DType kKept[] = {DType::kQ4_0, DType::kQ8_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K};
    const DType format = shape_.own.empty() ? shape_.format : shape_.own[part];
    return std::find(std::begin(kKept), std::end(kKept), format) != std::end(kKept);
  }

  Inputs MakeInputs() const {
    Random random(static_cast<uint64_t>(shape_.Rows() * 1009 + shape_.cols * 31 + shape_.tokens));
    const auto size = [](int a, int b) { return static_cast<size_t>(a) * static_cast<size_t>(b); };
    Inputs inputs;
    const bool activated = shape_.kind == Kind::kGate || shape_.kind == Kind::kAct;
    const float scale = activated ? 1.0f / std::sqrt(static_cast<float>(shape_.cols)) : 1.0f;
    for (size_t i = 0; i < shape_.parts.size(); ++i) {
      const int rows = shape_.parts[i];
      std::vector<float> part = random.Values(size(rows, shape_.cols), scale);
      std::vector<std::byte> bytes;
      if (const DType source = shape_.Source(i); Traits(source).block_elements > 1) {
        bytes = RandomRows(source, rows, shape_.cols, random.Next(), scale);
        Unpack(source, bytes.data(), part.data(), part.size());
      }
      inputs.weights.insert(inputs.weights.end(), part.begin(), part.end());
      inputs.rows.push_back(std::move(bytes));
    }
    inputs.bias = random.Values(static_cast<size_t>(shape_.Rows()));
    inputs.x = random.Values(size(shape_.tokens, shape_.cols));
    inputs.out = random.Values(size(shape_.tokens, shape_.Outputs()));
    return inputs;
  }

  static Output Compute(Device& device, const Shape& shape, const Inputs& inputs) {
    std::vector<SourceMatrix> parts, biases;
    std::vector<MatrixView> part_views, bias_views;
    auto weight = inputs.weights.begin();
    auto bias = inputs.bias.begin();
    for (size_t i = 0; i < shape.parts.size(); ++i) {
      const int rows = shape.parts[i];
      const auto next = weight + int64_t{rows} * shape.cols;
      const DType source = shape.Source(i);
      if (Traits(source).block_elements > 1) {
        parts.emplace_back(inputs.rows[i], rows, shape.cols, source);
      } else {
        parts.emplace_back(std::vector<float>(weight, next), rows, shape.cols, source);
      }
      biases.emplace_back(std::vector<float>(bias, bias + rows), 1, rows, shape.source);
      weight = next;
      bias += rows;
    }
    for (size_t i = 0; i < parts.size(); ++i) {
      part_views.push_back(parts[i].view());
      if (shape.bias) bias_views.push_back(biases[i].view());
    }
    const std::unique_ptr<Linear> linear =
        device.PackLinear({part_views, bias_views},
                          {.format = shape.format, .gated = shape.kind == Kind::kGate, .own_bits = !shape.own.empty()});
    for (SourceMatrix& part : parts) part.Scribble();
    for (SourceMatrix& part : biases) part.Scribble();

    const std::unique_ptr<Ops> ops = device.MakeOps(PlainConfig(shape.tokens, std::max(shape.cols, shape.Rows())));
    Step step(BlockPlan({shape.tokens}, 1), 1, OneSequence(shape.tokens));
    ops->Begin(step.batch());
    GuardedMat x(shape.tokens, shape.cols);
    GuardedMat out(shape.tokens, shape.Outputs(), 5);
    x.Fill(inputs.x);
    if (shape.kind == Kind::kAddTo) out.Fill(inputs.out);
    ops->Apply(*linear, x.mat(), out.mat(), {shape.kind, shape.act, shape.scale});

    Output output;
    output.values = out.Values();
    output.damage = out.Damage("out") + x.Damage("x");
    if (x.Values() != inputs.x) output.damage += "x was changed";
    return output;
  }

  Expectation ExpectFor(Device& ref, const Inputs& inputs) const {
    Expectation expectation;
    expectation.values = Compute(ref, shape_, inputs).values;
    Inputs absolute = inputs;
    absolute.weights = Absolute(inputs.weights);
    absolute.bias = Absolute(inputs.bias);
    absolute.x = Absolute(inputs.x);
    absolute.out = Absolute(inputs.out);
    const double gamma = Gamma(shape_.cols + 5);
    Shape plain = shape_;
    plain.scale = std::abs(shape_.scale);
    if (shape_.kind == Kind::kGate || shape_.kind == Kind::kAct) plain.kind = Kind::kStore;
    Shape sum_shape = plain;
    if (shape_.Blocks() || !shape_.own.empty()) {  // |w| as values: they have no block of their own
      sum_shape.format = DType::kF32;
      sum_shape.own.clear();
    }
    const std::vector<float> sums = Compute(ref, sum_shape, absolute).values;
    if (plain.kind == shape_.kind) {
      for (float sum : sums) expectation.bounds.push_back(gamma * static_cast<double>(sum));
      return expectation;
    }
    const std::vector<float> before = Compute(ref, plain, inputs).values;  // [tokens, all rows]
    const bool gelu = shape_.act == Act::kGeluErf || shape_.act == Act::kGeluTanh;
    const size_t outputs = static_cast<size_t>(shape_.Outputs());
    const size_t rows = static_cast<size_t>(shape_.Rows());
    for (size_t i = 0; i < expectation.values.size(); ++i) {
      const size_t at = i / outputs * rows + i % outputs;
      const double y = static_cast<double>(before[at]);
      const double value = std::abs(static_cast<double>(expectation.values[i]));
      const double error = Through(shape_.act, y, gamma * static_cast<double>(sums[at]));
      if (shape_.kind == Kind::kAct) {
        expectation.bounds.push_back(error + kActivation * (gelu ? std::abs(y) : value));
        continue;
      }
      const double up_error = gamma * static_cast<double>(sums[at + outputs]);
      const double u = std::abs(static_cast<double>(before[at + outputs])) + up_error;
      expectation.bounds.push_back(error * u + (Size(shape_.act, y) + kRoundoff) * up_error +
                                   kActivation * (gelu ? std::abs(y) * u : value));
    }
    return expectation;
  }

  Shape shape_;
};

// Block formats: rows around the lanes and the tiles of a group, one to three blocks and more than a turn of the
// kernels, tokens around what they take at once and beyond one piece of unpacked weights.
template <class Add>
void AddBlockCases(Add add) {
  for (DType format : {DType::kQ4_0, DType::kQ8_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K}) {
    const int block = Traits(format).block_elements;
    for (int rows : {1, 15, 17, 33, 49, 63, 65, 100}) add({{rows}, block, 3, format});
    for (int blocks : {1, 2, 3, 5, 9, 10}) {
      for (int tokens : {1, 5}) add({{19}, blocks * block, tokens, format});
    }
    for (int tokens : {1, 2, 3, 4, 5, 6, 7, 12, 13, 64, 65}) add({{71}, 2 * block, tokens, format});
    for (int tokens : {1, 7}) {
      add({{5, 3, 30}, block, tokens, format, Kind::kStore, true});
      add({{33}, 3 * block, tokens, format, Kind::kAddTo});
      add({{33}, block, tokens, format, Kind::kAddTo, true});
      for (int half : {1, 15, 17, 33}) add({{half, half}, 2 * block, tokens, format, Kind::kGate});
      add({{17, 17}, block, tokens, format, Kind::kGate, true});
    }
    add({{700}, 2 * block, 1, format});  // enough for several threads
    add({{130}, 768, 70, format});
  }
  // Parts that keep formats of their own, as q, k and v of published mixes do.
  for (int tokens : {1, 5, 33}) {
    const auto mixed = [&](std::vector<DType> own, Kind kind, bool bias) {
      add({{35, 17, 17}, 512, tokens, DType::kF32, kind, bias, DType::kF32, Act::kSilu, 1, std::move(own)});
    };
    mixed({DType::kQ4_K, DType::kQ4_K, DType::kQ6_K}, Kind::kStore, true);
    mixed({DType::kQ5_K, DType::kQ8_0, DType::kF32}, Kind::kAddTo, false);
    mixed({DType::kF16, DType::kQ4_0, DType::kQ2_K}, Kind::kStore, false);
    add({{21, 21},
         256,
         tokens,
         DType::kF32,
         Kind::kGate,
         true,
         DType::kF32,
         Act::kSilu,
         1,
         {DType::kQ5_K, DType::kQ6_K}});
    add({{21, 21},
         256,
         tokens,
         DType::kF32,
         Kind::kGate,
         true,
         DType::kF32,
         Act::kSilu,
         1,
         {DType::kQ6_K, DType::kQ6_K}});
  }
}

}  // namespace

CaseList ApplyCases() {
  CaseList cases;
  const auto add = [&](Shape shape) { cases.push_back(std::make_unique<ApplyCase>(std::move(shape))); };
  for (DType format : {DType::kF32, DType::kF16, DType::kBF16}) {
    // Rows around the 16 lanes of a tile and several tiles, columns around pairs and vectors, tokens around
    // the register blocks.
    for (int rows : {1, 2, 15, 16, 17, 31, 33, 63, 64, 65, 100}) add({{rows}, 19, 3, format});
    for (int cols : {1, 2, 3, 15, 16, 17, 31, 32, 33, 255, 256, 257, 1025}) add({{18}, cols, 2, format});
    for (int tokens : {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 16, 17, 24, 25, 33, 64, 65})
      add({{50}, 37, tokens, format});
    // Every number of tiles that can be left over, for every number of tokens that has kernels of its own.
    for (int rows : {17, 33, 49, 65, 81, 97, 113}) {
      for (int tokens : {1, 2, 4, 8}) add({{rows}, 19, tokens, format});
    }
    add({{130}, 770, 70, format});  // beyond one block in every direction
    add({{700}, 515, 1, format});   // enough for several threads
    add({{350, 350}, 515, 1, format, Kind::kGate});
    for (int tokens : {1, 7}) {
      add({{5, 3, 3}, 20, tokens, format, Kind::kStore, true});
      add({{40, 7, 7}, 33, tokens, format, Kind::kStore, true});
      add({{33}, 21, tokens, format, Kind::kAddTo});
      add({{33}, 21, tokens, format, Kind::kAddTo, true});
      for (int half : {1, 3, 15, 16, 17, 33}) add({{half, half}, 23, tokens, format, Kind::kGate});
      add({{17, 17}, 23, tokens, format, Kind::kGate, true});
    }
    add({{65, 65}, 300, 14, format, Kind::kGate});
    for (Act act : {Act::kSilu, Act::kGeluErf, Act::kGeluTanh, Act::kRelu, Act::kReluSquared}) {
      for (int rows : {1, 15, 16, 17, 65}) {
        add({.parts = {rows}, .cols = 23, .tokens = 9, .format = format, .kind = Kind::kAct, .act = act});
        add({.parts = {rows, rows}, .cols = 23, .tokens = 9, .format = format, .kind = Kind::kGate, .act = act});
      }
      add({.parts = {20, 13}, .cols = 40, .tokens = 2, .format = format, .kind = Kind::kAct, .bias = true, .act = act});
      add({.parts = {33, 33},
           .cols = 40,
           .tokens = 7,
           .format = format,
           .kind = Kind::kGate,
           .bias = true,
           .act = act});
      add({.parts = {700}, .cols = 130, .tokens = 70, .format = format, .kind = Kind::kAct, .bias = true, .act = act});
    }
    for (Kind kind : {Kind::kStore, Kind::kAddTo}) {
      for (int tokens : {1, 7}) {
        add({.parts = {33},
             .cols = 21,
             .tokens = tokens,
             .format = format,
             .kind = kind,
             .bias = true,
             .scale = 0.22f});
        add({.parts = {49}, .cols = 77, .tokens = tokens, .format = format, .kind = kind, .scale = -3.5f});
      }
    }
    for (DType source : {DType::kF16, DType::kBF16}) {
      add({{9, 8}, 35, 2, format, Kind::kStore, true, source});
      add({{17, 17}, 35, 2, format, Kind::kGate, false, source});
    }
  }
  AddBlockCases(add);
  return cases;
}

}  // namespace spate::conformance
