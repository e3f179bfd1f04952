#include "convert/gguf/part_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "convert/gguf/folder_for_test.h"

namespace spate {
namespace {

constexpr int64_t kCols = 96;
constexpr int64_t kRows = 20000;  // some turns of about 5,000 rows

// Row r holds numbers that only it has, exact in f16.
std::vector<float> Numbers() {
  std::vector<float> numbers(static_cast<size_t>(kRows * kCols));
  for (size_t i = 0; i < numbers.size(); ++i) {
    const size_t row = i / kCols;
    numbers[i] = i % 2 == 0 ? static_cast<float>(row % 2048) : static_cast<float>(row / 2048) - 5;
  }
  return numbers;
}

MatrixView Rows(const std::vector<float>& numbers, int64_t first, int64_t count) {
  return {.data = reinterpret_cast<const std::byte*>(numbers.data() + first * kCols),
          .dtype = DType::kF32,
          .rows = count,
          .cols = kCols,
          .row_bytes = kCols * 4};
}

GgufPart Part(DType dtype, int64_t together) {
  GgufPart part;
  part.name = "x";
  part.shape = {kRows, kCols};
  part.dtype = dtype;
  part.rows_together = together;
  return part;
}

// What is written of `rows` in `dtype`, behind 7 bytes.
std::string Written(const std::vector<float>& numbers, DType dtype, int64_t together,
                    const std::vector<int64_t>& rows) {
  const FolderForTest folder;
  const int64_t bytes = 7 + kRows * RowBytes(dtype, kCols);
  int64_t reported = 0;
  {
    OutputFile file(folder / "x", bytes);
    PartWriter writer(file, 3, bytes, [&](int64_t done, int64_t total) {
      EXPECT_EQ(total, bytes);
      reported = done;
      return true;
    });
    // Pieces of uneven size.
    const MatrixView source[] = {Rows(numbers, 0, 1), Rows(numbers, 1, 6000), Rows(numbers, 6001, kRows - 6001)};
    writer.WriteRows(Part(dtype, together), source, rows, 7);
    file.Commit();
  }
  EXPECT_EQ(reported, bytes - 7);
  return ContentOf(folder / "x");
}

TEST(PartWriter, PutsRowsInAnyOrder) {
  const std::vector<float> numbers = Numbers();
  std::vector<int64_t> in_order, pairs, backwards, scattered;
  for (int64_t r = 0; r < kRows; ++r) {
    in_order.push_back(r);
    pairs.push_back(r ^ 1);
    backwards.push_back(kRows - 1 - r);
    scattered.push_back(r * 7919 % kRows);
  }
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kQ8_0}) {
    const auto bytes = static_cast<size_t>(RowBytes(dtype, kCols));
    for (const auto& [rows, together] :
         {std::pair(in_order, 1), std::pair(pairs, 2), std::pair(backwards, 1), std::pair(scattered, 1)}) {
      const std::string got = Written(numbers, dtype, together, rows);
      ASSERT_EQ(got.size(), 7 + bytes * kRows);
      std::vector<std::byte> want(bytes);
      for (size_t r = 0; r < rows.size(); ++r) {
        Pack(dtype, numbers.data() + rows[r] * kCols, want.data(), kCols);
        ASSERT_EQ(std::memcmp(got.data() + 7 + r * bytes, want.data(), bytes), 0) << Name(dtype) << " row " << r;
      }
    }
  }
}

TEST(PartWriter, RefusesWhatTheFormatCannotHold) {
  const FolderForTest folder;
  std::vector<int64_t> rows(kRows);
  const auto refusal = [&](DType dtype, float value) {
    std::vector<float> numbers = Numbers();
    numbers[kCols] = value;
    rows[0] = 1;
    OutputFile file(folder / "x", kRows * kCols * 4);
    PartWriter writer(file, 2, 1, nullptr);
    const MatrixView source[] = {Rows(numbers, 0, kRows)};
    return MessageOf(ErrorCode::kBadInput, [&] { writer.WriteRows(Part(dtype, 1), source, rows, 0); });
  };
  EXPECT_EQ(refusal(DType::kF16, 65504), "accepted");
  EXPECT_NE(refusal(DType::kF16, 65536).find("beyond 65504, the largest of f16; try --type bf16"), std::string::npos);
  EXPECT_EQ(refusal(DType::kBF16, 65536), "accepted");
  EXPECT_NE(refusal(DType::kBF16, std::numeric_limits<float>::infinity()).find("the largest of bf16"),
            std::string::npos);
  EXPECT_NE(refusal(DType::kQ8_0, NAN).find("x: has NaN"), std::string::npos);
  EXPECT_EQ(refusal(DType::kQ8_0, 8e6f), "accepted");
  EXPECT_NE(refusal(DType::kQ8_0, 9e6f).find("the largest of q8_0"), std::string::npos);
  EXPECT_NE(refusal(DType::kQ4_0, 9e5f).find("the largest of q4_0"), std::string::npos);
}

TEST(PartWriter, StopsWhenItIsTold) {
  const FolderForTest folder;
  OutputFile file(folder / "x", 8);
  PartWriter writer(file, 1, 8, [](int64_t, int64_t) { return false; });
  const std::vector<float> values = {1, 2};
  EXPECT_NE(MessageOf(ErrorCode::kInterrupted, [&] { writer.WriteValues(Part(DType::kF32, 1), values, 0); }),
            "accepted");
}

}  // namespace
}  // namespace spate
