#include "tensor/view.h"

#include <gtest/gtest.h>

#include <array>

namespace spate {
namespace {

TEST(Shape, Prints) {
  EXPECT_EQ(ToString(Shape{32, 64}), "[32, 64]");
  EXPECT_EQ(ToString(Shape{7}), "[7]");
  EXPECT_EQ(ToString(Shape{}), "[]");
}

TEST(MatrixView, OfATensorOfRankTwo) {
  const std::array<std::byte, 24> bytes = {};
  const MatrixView matrix = AsMatrix({DType::kBF16, {3, 4}, bytes});
  EXPECT_EQ(matrix.rows, 3);
  EXPECT_EQ(matrix.cols, 4);
  EXPECT_EQ(matrix.row_bytes, 8);
  EXPECT_EQ(matrix.dtype, DType::kBF16);
  EXPECT_EQ(matrix.Row(0), bytes.data());
  EXPECT_EQ(matrix.Row(2), bytes.data() + 16);
}

TEST(MatrixView, ATensorOfRankOneIsARow) {
  const std::array<std::byte, 20> bytes = {};
  const MatrixView matrix = AsMatrix({DType::kF32, {5}, bytes});
  EXPECT_EQ(matrix.rows, 1);
  EXPECT_EQ(matrix.cols, 5);
  EXPECT_EQ(matrix.row_bytes, 20);
}

TEST(MatrixView, RowsKeepTheStride) {
  const std::array<std::byte, 60> bytes = {};
  const MatrixView wide = {bytes.data(), DType::kF32, 3, 4, 20};
  const MatrixView part = wide.Rows(1, 2);
  EXPECT_EQ(part.rows, 2);
  EXPECT_EQ(part.cols, 4);
  EXPECT_EQ(part.Row(1), bytes.data() + 40);
}

TEST(LoadRows, OfMemoryAreTheRowsThemselves) {
  const std::array<std::byte, 60> bytes = {};
  const MatrixView wide = {bytes.data(), DType::kF32, 3, 4, 20};
  const LoadedRows loaded = LoadRows(wide, 1, 2);
  EXPECT_EQ(loaded.rows.data, bytes.data() + 20);
  EXPECT_EQ(loaded.rows.rows, 2);
  EXPECT_EXIT(LoadRows(wide, 2, 2), testing::ExitedWithCode(1), "rows 2 to 4 of 3");
}

TEST(RowsPerRead, AboutTwoMebibytesInWholeTiles) {
  EXPECT_EQ(RowsPerRead(4096), 512);
  EXPECT_EQ(RowsPerRead(3000), 640);
  EXPECT_EQ(RowsPerRead(2), 1048576);
  EXPECT_EQ(RowsPerRead(int64_t{1} << 40), 64);
}

TEST(MatrixViewDeathTest, OtherRanksAreBugs) {
  const std::array<std::byte, 8> bytes = {};
  EXPECT_EXIT((void)AsMatrix({DType::kI8, {2, 2, 2}, bytes}), testing::ExitedWithCode(1), "rank 3");
  EXPECT_EXIT((void)AsMatrix({DType::kI8, {}, bytes}), testing::ExitedWithCode(1), "rank 0");
}

}  // namespace
}  // namespace spate
