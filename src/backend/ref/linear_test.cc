#include "backend/ref/linear.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace spate::ref {
namespace {

MatrixView View(const std::vector<float>& values, int64_t rows, int64_t cols) {
  return {reinterpret_cast<const std::byte*>(values.data()), DType::kF32, rows, cols, cols * 4};
}
Mat MatOf(std::vector<float>& values, int rows, int cols) { return {values.data(), rows, cols, cols, DType::kF32}; }

TEST(RefLinear, StacksPartsAddsBias) {
  const std::vector<float> first = {1, 2, 3, 4};  // two rows of two
  const std::vector<float> second = {5, 6};
  const std::vector<float> first_bias = {10, 20};
  const std::vector<float> second_bias = {30};
  const MatrixView parts[] = {View(first, 2, 2), View(second, 1, 2)};
  const MatrixView bias[] = {View(first_bias, 1, 2), View(second_bias, 1, 1)};
  const RefLinear w({parts, bias}, {DType::kF32, false});
  EXPECT_EQ(w.rows(), 3);
  EXPECT_EQ(w.cols(), 2);
  EXPECT_EQ(w.bytes(), 24);
  std::vector<float> x = {1, -1, 0.5f, 2};
  std::vector<float> out(6);
  Apply(w, MatOf(x, 2, 2), MatOf(out, 2, 3), {});
  EXPECT_EQ(out, (std::vector<float>{9, 19, 29, 14.5f, 29.5f, 44.5f}));
}

TEST(RefLinear, AddToAddsToWhatIsThere) {
  const std::vector<float> weights = {2, 0, 0, 3};
  const MatrixView parts[] = {View(weights, 2, 2)};
  const RefLinear w({parts, {}}, {DType::kF32, false});
  std::vector<float> x = {1, 1};
  std::vector<float> out = {100, 200};
  Apply(w, MatOf(x, 1, 2), MatOf(out, 1, 2), {Epilogue::Kind::kAddTo, Act::kSilu});
  EXPECT_EQ(out, (std::vector<float>{102, 203}));
}

TEST(RefLinear, GateIsSiluOfGateTimesUp) {
  const std::vector<float> gate = {1, 2};  // two rows of one
  const std::vector<float> up = {3, 4};
  const MatrixView parts[] = {View(gate, 2, 1), View(up, 2, 1)};
  const RefLinear w({parts, {}}, {DType::kF32, true});
  std::vector<float> x = {0.5f};
  std::vector<float> out(2);
  Apply(w, MatOf(x, 1, 1), MatOf(out, 1, 2), {Epilogue::Kind::kGate, Act::kSilu});
  // silu(0.5) = 0.5 * 0.6224593, silu(1) = 0.7310586
  EXPECT_NEAR(out[0], 0.5 * 0.6224593312 * 1.5, 1e-7);
  EXPECT_NEAR(out[1], 0.7310585786 * 2.0, 1e-7);
}

// Values of the definitions in 30 digits.
TEST(RefLinear, ActivationsHaveTheirPublishedValues) {
  EXPECT_NEAR(Activate(Act::kGeluErf, 1), 0.84134474606854293, 1e-15);
  EXPECT_NEAR(Activate(Act::kGeluErf, -1), -0.15865525393145707, 1e-15);
  EXPECT_NEAR(Activate(Act::kGeluErf, 3), 2.99595030590510972, 1e-14);
  EXPECT_NEAR(Activate(Act::kGeluTanh, 1), 0.841191990608276705, 1e-15);
  EXPECT_NEAR(Activate(Act::kGeluTanh, -1), -0.158808009391723295, 1e-15);
  EXPECT_NEAR(Activate(Act::kGeluTanh, 3), 2.99636260791822698, 1e-14);
  for (const Act act : {Act::kGeluErf, Act::kGeluTanh}) {
    EXPECT_EQ(Activate(act, 0), 0);
    EXPECT_EQ(Activate(act, 100), 100);
    EXPECT_EQ(Activate(act, -100), 0);
  }
  EXPECT_EQ(Activate(Act::kRelu, 3), 3);
  EXPECT_EQ(Activate(Act::kRelu, -3), 0);
  EXPECT_EQ(Activate(Act::kReluSquared, 3), 9);
  EXPECT_EQ(Activate(Act::kReluSquared, -3), 0);
}

TEST(RefLinear, ActAndScale) {
  const std::vector<float> weights = {2, -3};
  const MatrixView parts[] = {View(weights, 2, 1)};
  const std::vector<float> biases = {1, 1};
  const MatrixView bias[] = {View(biases, 1, 2)};
  const RefLinear w({parts, bias}, {DType::kF32, false});
  std::vector<float> x = {1};
  std::vector<float> out = {100, 200};
  Apply(w, MatOf(x, 1, 1), MatOf(out, 1, 2), {Epilogue::Kind::kAddTo, Act::kSilu, 0.5f});
  EXPECT_EQ(out, (std::vector<float>{101.5f, 199}));
  Apply(w, MatOf(x, 1, 1), MatOf(out, 1, 2), {Epilogue::Kind::kStore, Act::kSilu, -2});
  EXPECT_EQ(out, (std::vector<float>{-6, 4}));
  Apply(w, MatOf(x, 1, 1), MatOf(out, 1, 2), {Epilogue::Kind::kAct, Act::kReluSquared});
  EXPECT_EQ(out, (std::vector<float>{9, 0}));
}

TEST(RefLinear, SiluFarFromZero) {
  EXPECT_EQ(Activate(Act::kSilu, 0), 0);
  EXPECT_DOUBLE_EQ(Activate(Act::kSilu, 800), 800);
  EXPECT_EQ(Activate(Act::kSilu, -800), 0);  // e^800 is infinite
}

TEST(RefLinear, WeightsAreRoundedToTheFormatActivationsAreNot) {
  const float w0 = 1.0f + 0x1p-9f;   // bf16 has 8 bits of significand: rounds to 1
  const float w1 = 1.0f + 0x1p-12f;  // f16 has 11: rounds to 1
  const std::vector<float> weights = {w0, w1};
  const MatrixView parts[] = {View(weights, 2, 1)};
  std::vector<float> x = {1.0f + 0x1p-20f};
  std::vector<float> out(2);
  Apply(RefLinear({parts, {}}, {DType::kBF16, false}), MatOf(x, 1, 1), MatOf(out, 1, 2), {});
  EXPECT_EQ(out, (std::vector<float>{x[0], x[0]}));
  Apply(RefLinear({parts, {}}, {DType::kF16, false}), MatOf(x, 1, 1), MatOf(out, 1, 2), {});
  EXPECT_EQ(out[0], static_cast<float>(static_cast<double>(w0) * static_cast<double>(x[0])));
  EXPECT_EQ(out[1], x[0]);
}

TEST(RefLinear, AccumulatesInDouble) {
  const std::vector<float> weights = {1e8f, 1, -1e8f};
  const MatrixView parts[] = {View(weights, 1, 3)};
  std::vector<float> x = {1, 1, 1};
  std::vector<float> out(1);
  Apply(RefLinear({parts, {}}, {DType::kF32, false}), MatOf(x, 1, 3), MatOf(out, 1, 1), {});
  EXPECT_EQ(out[0], 1.0f);
}

TEST(RefLinear, ReadsRowsWithAStride) {
  const std::vector<float> wide = {1, 2, 99, 3, 4, 99};
  const MatrixView parts[] = {{reinterpret_cast<const std::byte*>(wide.data()), DType::kF32, 2, 2, 12}};
  const RefLinear w({parts, {}}, {DType::kF32, false});
  float row[2];
  w.weights().Read(1, row);
  EXPECT_EQ(row[0], 3);
  EXPECT_EQ(row[1], 4);
}

TEST(RefLinear, UnknownFormatIsAnError) {
  const std::vector<float> weights = {1};
  const MatrixView parts[] = {View(weights, 1, 1)};
  EXPECT_THROW(RefLinear({parts, {}}, {DType::kF8E4M3, false}), Error);
}

TEST(RefTable, TiedTableReadsTheHead) {
  const std::vector<float> weights = {1, 2, 3, 4, 5, 6};
  const MatrixView parts[] = {View(weights, 3, 2)};
  const RefLinear head({parts, {}}, {DType::kF32, false});
  const RefTable tied(head);
  const RefTable own(View(weights, 3, 2), DType::kF32);
  for (const RefTable* table : {&tied, &own}) {
    float row[2];
    table->Read(2, row);
    EXPECT_EQ(row[0], 5);
    EXPECT_EQ(row[1], 6);
  }
}

}  // namespace
}  // namespace spate::ref
