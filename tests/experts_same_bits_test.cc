// Same request, same bits, of mixtures of experts: on every device a token's row depends neither on the tokens beside
// it, whether they share its experts or not, nor on the number of threads.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/conformance_data.h"
#include "tests/conformance_fault.h"
#include "tests/conformance_step.h"
#include "tests/conformance_subjects.h"

namespace spate::conformance {
namespace {

struct Shape {
  int experts, active, dim, hidden;
  DType format;
  Epilogue::Kind kind;
};

constexpr int kTokens = 67;

class ExpertsSameBitsTest : public testing::TestWithParam<Subject> {};

std::unique_ptr<Linear> RandomStack(Device& device, uint64_t seed, int experts, int parts, int rows, int cols,
                                    DType format) {
  Random random(seed);
  std::vector<SourceMatrix> sources;
  for (int i = 0; i < experts * parts; ++i) {
    sources.emplace_back(random.Values(static_cast<size_t>(rows * cols), 1.0f / std::sqrt(static_cast<float>(cols))),
                         rows, cols, DType::kF32);
  }
  std::vector<MatrixView> views;
  for (const SourceMatrix& source : sources) views.push_back(source.view());
  return device.PackLinear({views, {}}, {.format = format, .gated = parts == 2, .experts = experts});
}

// All tokens through one mixture and a gated addition, `batch` of them a step: [tokens][dim]. Token `broken` is NaN.
std::vector<float> InBatches(Device& device, const Shape& shape, int batch, int broken = -1) {
  const auto router = RandomStack(device, 1, 1, 1, shape.experts, shape.dim, DType::kF32);
  const auto gate_up = RandomStack(device, 2, shape.experts, 2, shape.hidden, shape.dim, shape.format);
  const auto down = RandomStack(device, 3, shape.experts, 1, shape.dim, shape.hidden, shape.format);
  const auto gate = RandomStack(device, 4, 1, 1, 1, shape.dim, DType::kF32);
  OpsConfig config = PlainConfig(kTokens, std::max(shape.dim, shape.hidden));
  config.max_experts = shape.experts;
  config.max_active = shape.active;
  const std::unique_ptr<Ops> ops = device.MakeOps(config);
  const FfnSpec spec{.hidden = shape.hidden, .experts = shape.experts, .active = shape.active};
  std::vector<float> results;
  for (int begin = 0; begin < kTokens; begin += batch) {
    const int count = std::min(batch, kTokens - begin);
    Step step(BlockPlan({count}, 1), 1, OneSequence(count));
    ops->Begin(step.batch());
    GuardedMat x(count, shape.dim, batch % 5), delta(count, shape.dim), out(count, shape.dim, batch % 7);
    for (int t = 0; t < count; ++t) {
      Random values(static_cast<uint64_t>(1000 + begin + t));
      for (int c = 0; c < shape.dim; ++c) {
        x.at(t, c) = values.Value();
        delta.at(t, c) = values.Value();
        out.at(t, c) = values.Value();
        if (begin + t == broken) x.at(t, c) = std::numeric_limits<float>::quiet_NaN();
      }
    }
    ops->Experts(spec, *router, *gate_up, *down, x.mat(), out.mat(), {.kind = shape.kind, .scale = 0.7f});
    ops->AddGated(*gate, x.mat(), delta.mat(), 0.3f, out.mat());
    const std::vector<float> values = out.Values();
    results.insert(results.end(), values.begin(), values.end());
  }
  return results;
}

// The first row that differs, or -1.
int FirstDifference(const std::vector<float>& a, const std::vector<float>& b, int dim) {
  const size_t row = static_cast<size_t>(dim);
  for (size_t t = 0; t < kTokens; ++t) {
    if (std::memcmp(a.data() + t * row, b.data() + t * row, row * sizeof(float)) != 0) return static_cast<int>(t);
  }
  return -1;
}

TEST_P(ExpertsSameBitsTest, InAnyBatch) {
  std::vector<std::unique_ptr<Device>> devices;
  for (const int threads : {1, 2, 3}) devices.push_back(MakeSubject(GetParam(), threads));
  for (const DType format : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const Shape& shape :
         {Shape{4, 2, 45, 37, format, Epilogue::Kind::kStore}, Shape{8, 2, 100, 71, format, Epilogue::Kind::kAddTo},
          Shape{60, 4, 33, 16, format, Epilogue::Kind::kStore}, Shape{2, 1, 520, 65, format, Epilogue::Kind::kAddTo}}) {
      const std::vector<float> alone = InBatches(*devices[0], shape, 1);
      for (const auto& device : devices) {
        for (const int batch : {1, 2, 3, 7, 13, 64, kTokens}) {
          EXPECT_EQ(FirstDifference(alone, InBatches(*device, shape, batch), shape.dim), -1)
              << Name(format) << ", " << shape.active << " of " << shape.experts << " experts, " << batch
              << " at a time, " << device->info().threads << " threads";
        }
      }
    }
  }
}

// Activations that a broken checkpoint made NaN: the router has no order then, and only that token is lost.
TEST_P(ExpertsSameBitsTest, BesideATokenOfNans) {
  const std::unique_ptr<Device> device = MakeSubject(GetParam(), 2);
  constexpr int kBroken = 30;
  for (const DType format : {DType::kF32, DType::kBF16}) {
    const Shape shape = {8, 2, 45, 37, format, Epilogue::Kind::kStore};
    std::vector<float> whole = InBatches(*device, shape, kTokens);
    std::vector<float> broken = InBatches(*device, shape, kTokens, kBroken);
    for (int c = 0; c < shape.dim; ++c) {
      const size_t at = static_cast<size_t>(kBroken * shape.dim + c);
      EXPECT_TRUE(std::isnan(broken[at])) << c;
      broken[at] = whole[at];
    }
    EXPECT_EQ(FirstDifference(whole, broken, shape.dim), -1) << Name(format);
  }
}

// The comparison itself: an element that one of them leaves out is seen.
TEST_P(ExpertsSameBitsTest, NoticesAFault) {
  const std::unique_ptr<Device> device = MakeSubject(GetParam(), 2);
  FaultyDevice faulty(*device, Fault::kTail);
  const Shape shape = {4, 2, 45, 37, DType::kF32, Epilogue::Kind::kStore};
  EXPECT_EQ(FirstDifference(InBatches(*device, shape, 9), InBatches(faulty, shape, 9), shape.dim), 8);
}

INSTANTIATE_TEST_SUITE_P(, ExpertsSameBitsTest, testing::ValuesIn(Subjects()),
                         [](const auto& param) { return param.param.Name(); });

}  // namespace
}  // namespace spate::conformance
