#include "backend/ref/norm.h"

#include <gtest/gtest.h>

#include <cmath>

namespace spate::ref {
namespace {

RefVec VecOf(const std::vector<float>& values) {
  return RefVec({reinterpret_cast<const std::byte*>(values.data()), DType::kF32, 1, static_cast<int64_t>(values.size()),
                 static_cast<int64_t>(values.size()) * 4});
}

TEST(RefNorm, ClosedForm) {
  std::vector<float> x = {3, 4};  // mean square 12.5
  std::vector<float> out(2);
  AddNorm(VecOf({2, -1}), {NormKind::kRms, 0.0f}, nullptr, {x.data(), 1, 2, 2, DType::kF32},
          {out.data(), 1, 2, 2, DType::kF32});
  EXPECT_NEAR(out[0], 6 / std::sqrt(12.5), 1e-7);
  EXPECT_NEAR(out[1], -4 / std::sqrt(12.5), 1e-7);
  EXPECT_EQ(x, (std::vector<float>{3, 4}));
}

TEST(RefNorm, EpsIsInsideTheRoot) {
  std::vector<float> x = {0, 0, 2, 0};  // mean square 1
  AddNorm(VecOf({1, 1, 1, 1}), {NormKind::kRms, 3.0f}, nullptr, {x.data(), 1, 4, 4, DType::kF32},
          {x.data(), 1, 4, 4, DType::kF32});
  EXPECT_EQ(x, (std::vector<float>{0, 0, 1, 0}));  // 2 / sqrt(1 + 3)
}

TEST(RefNorm, DeltaIsAddedToTheResidualRowByRow) {
  std::vector<float> x = {1, 2, -7, 3, 4, -7};  // stride 3, the last of each row is not part of it
  std::vector<float> delta = {2, 2, 5, 0};
  std::vector<float> out(4);
  const Mat delta_mat = {delta.data(), 2, 2, 2, DType::kF32};
  AddNorm(VecOf({1, 1}), {NormKind::kRms, 0.0f}, &delta_mat, {x.data(), 2, 2, 3, DType::kF32},
          {out.data(), 2, 2, 2, DType::kF32});
  EXPECT_EQ(x, (std::vector<float>{3, 4, -7, 8, 4, -7}));
  EXPECT_NEAR(out[0], 3 / std::sqrt(12.5), 1e-7);
  EXPECT_NEAR(out[2], 8 / std::sqrt(40.0), 1e-7);
}

TEST(RefNorm, LayerNormByHand) {
  std::vector<float> x = {1, 2, 3, 6};  // mean 3, variance (4 + 1 + 0 + 9) / 4 = 3.5
  const std::vector<float> weight = {1, 2, 3, -1};
  const std::vector<float> bias = {10, 20, 30, 40};
  const auto view = [](const std::vector<float>& values) {
    return MatrixView{reinterpret_cast<const std::byte*>(values.data()), DType::kF32, 1, 4, 16};
  };
  std::vector<float> out(4);
  const Mat in = {x.data(), 1, 4, 4, DType::kF32}, to = {out.data(), 1, 4, 4, DType::kF32};
  AddNorm(RefVec({.weight = view(weight), .bias = view(bias)}), {NormKind::kLayer, 0.5f}, nullptr, in, to);
  EXPECT_EQ(out, (std::vector<float>{9, 19, 30, 38.5f}));  // distances / sqrt(3.5 + 0.5)
  // Another weight: stored as what is added to 1.
  AddNorm(RefVec({.weight = view(weight), .offset = 1}), {NormKind::kLayer, 0.5f}, nullptr, in, to);
  EXPECT_EQ(out, (std::vector<float>{-2, -1.5f, 0, 0}));
  // None at all.
  AddNorm(RefVec({.size = 4}), {NormKind::kLayer, 0.5f}, nullptr, in, to);
  EXPECT_EQ(out, (std::vector<float>{-1, -0.5f, 0, 1.5f}));
}

TEST(RefNorm, RmsNormAddsItsBias) {
  std::vector<float> x = {2, -2};
  const std::vector<float> weight = {3, 5}, bias = {1, -1};
  const auto view = [](const std::vector<float>& values) {
    return MatrixView{reinterpret_cast<const std::byte*>(values.data()), DType::kF32, 1, 2, 8};
  };
  std::vector<float> out(2);
  AddNorm(RefVec({.weight = view(weight), .bias = view(bias)}), {NormKind::kRms, 0.0f}, nullptr,
          {x.data(), 1, 2, 2, DType::kF32}, {out.data(), 1, 2, 2, DType::kF32});
  EXPECT_EQ(out, (std::vector<float>{4, -6}));
}

}  // namespace
}  // namespace spate::ref
