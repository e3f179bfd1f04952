#include "backend/cpu/expert_stack.h"

#include <gtest/gtest.h>

#include <cstring>

#include "backend/cpu/kernel_levels_for_test.h"
#include "base/error.h"

namespace spate::cpu {
namespace {

// Rows of experts whose every value says where it belongs.
struct Source {
  Source(int experts, int part_count, int rows, int cols) {
    const int64_t size = int64_t{rows} * cols;
    storage.reserve(static_cast<size_t>(2 * experts * part_count));
    for (int part = 0; part < experts * part_count; ++part) {
      auto& values = storage.emplace_back(static_cast<size_t>(size));
      for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(part * 1000) + static_cast<float>(i);
      auto& bias = storage.emplace_back(static_cast<size_t>(rows), static_cast<float>(part) + 0.5f);
      views.push_back({reinterpret_cast<const std::byte*>(values.data()), DType::kF32, rows, cols, cols * 4});
      biases.push_back({reinterpret_cast<const std::byte*>(bias.data()), DType::kF32, 1, rows, rows * 4});
    }
  }
  std::vector<std::vector<float>> storage;
  std::vector<MatrixView> views, biases;
};

const LinearKernels& Kernels() { return RunnableKernels().back()->linear; }

TEST(ExpertStack, PacksThePartsOfEachExpert) {
  ThreadPool pool(2);
  constexpr int kExperts = 5, kRows = 21, kCols = 3;
  const Source source(kExperts, 2, kRows, kCols);
  const ExpertStack stack({source.views, source.biases}, {.format = DType::kF32, .gated = true, .experts = kExperts},
                          Kernels(), pool);
  EXPECT_EQ(stack.experts(), kExperts);
  EXPECT_EQ(stack.rows(), kExperts * 2 * kRows);
  EXPECT_EQ(stack.cols(), kCols);
  int64_t bytes = 0;
  for (int e = 0; e < kExperts; ++e) {
    const PackedMatrix& expert = ExpertOf(stack, kExperts, e);
    EXPECT_TRUE(expert.gated());
    EXPECT_EQ(expert.outputs(), kRows);
    bytes += expert.bytes();
    float row[kCols];
    for (int r = 0; r < 2 * kRows; ++r) {
      expert.ReadRow(r, row);
      const float* expected = source.storage[static_cast<size_t>(2 * (2 * e + r / kRows))].data() + r % kRows * kCols;
      EXPECT_EQ(std::memcmp(row, expected, sizeof(row)), 0) << "expert " << e << " row " << r;
    }
  }
  EXPECT_EQ(stack.bytes(), bytes);
}

// Large experts are packed piece by piece by all threads, which must give the same.
TEST(ExpertStack, FewLargeExperts) {
  ThreadPool pool(2);
  constexpr int kExperts = 2, kRows = 2500, kCols = 1000;
  ASSERT_LE(kExperts, kRows / RowsPerRead(kCols * 4));
  const Source source(kExperts, 1, kRows, kCols);
  const ExpertStack stack({source.views, {}}, {.format = DType::kF32, .experts = kExperts}, Kernels(), pool);
  std::vector<float> row(kCols);
  for (int e = 0; e < kExperts; ++e) {
    for (const int r : {0, 1, 1023, 1024, kRows - 1}) {
      stack.expert(e).ReadRow(r, row.data());
      EXPECT_EQ(row[kCols - 1], source.storage[static_cast<size_t>(2 * e)][static_cast<size_t>((r + 1) * kCols - 1)]);
    }
  }
}

TEST(ExpertStack, AFormatThatCannotBePackedIsAnErrorNotACrash) {
  ThreadPool pool(2);
  Source source(4, 1, 3, 8);
  source.views[2].dtype = DType::kI32;
  EXPECT_THROW(ExpertStack({source.views, {}}, {.format = DType::kBF16, .experts = 4}, Kernels(), pool), Error);
}

}  // namespace
}  // namespace spate::cpu
