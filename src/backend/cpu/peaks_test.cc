#include "backend/cpu/peaks.h"

#include <gtest/gtest.h>

#include <vector>

#include "backend/cpu/kernel_levels_for_test.h"

namespace spate::cpu {
namespace {

class PeaksTest : public testing::TestWithParam<const KernelTable*> {
 protected:
  const PeakKernels& kernels() const { return GetParam()->peaks; }
};

// A checksum over every byte: nothing of the buffer is left unread.
TEST_P(PeaksTest, ReadsEveryByte) {
  for (const size_t bytes : {size_t{1}, size_t{255}, size_t{256}, size_t{1000}, size_t{4096}}) {
    std::vector<std::byte> data(bytes);
    const uint64_t zero = kernels().read(data.data(), bytes);
    for (size_t i = 0; i < bytes; ++i) {
      data[i] = std::byte{1};
      EXPECT_NE(kernels().read(data.data(), bytes), zero) << i << " of " << bytes;
      data[i] = std::byte{0};
    }
  }
}

TEST_P(PeaksTest, CountsItsOperations) {
  for (const auto kernel : {kernels().f32, kernels().bf16, kernels().int8}) {
    if (kernel == nullptr) continue;
    float sink = 0;
    const double ten = kernel(10, &sink);
    EXPECT_GT(ten, 0);
    EXPECT_DOUBLE_EQ(kernel(1000, &sink), 100 * ten);
  }
}

// Whatever else the machine does.
TEST_P(PeaksTest, MeasuresSomethingPlausible) {
  ThreadPool pool(2);
  const double f32 = MeasureGops(kernels().f32, pool, 0.01);
  EXPECT_GT(f32, 0.1);
  EXPECT_LT(f32, 10'000);
  EXPECT_EQ(MeasureGops(nullptr, pool, 0.01), 0);
}

TEST(ReadBandwidth, IsPlausible) {
  ThreadPool pool(2);
  const double read = MeasureReadGbS(RunnableKernels().back()->peaks, pool, 0.01);
  EXPECT_GT(read, 0.1);
  EXPECT_LT(read, 10'000);
}

INSTANTIATE_TEST_SUITE_P(Levels, PeaksTest, testing::ValuesIn(RunnableKernels()), LevelName());

}  // namespace
}  // namespace spate::cpu
