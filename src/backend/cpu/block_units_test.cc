// Packing blocks into units and the kernels that unpack them, against the definitions of quant/.
#include "backend/cpu/block_units.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <vector>

#include "backend/cpu/kernel_levels_for_test.h"
#include "quant/random_blocks_for_test.h"

namespace spate::cpu {
namespace {

constexpr DType kFormats[] = {DType::kQ4_0, DType::kQ8_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K};

const LinearKernels::Format& KernelsOf(const LinearKernels& kernels, DType format) {
  switch (format) {
    case DType::kQ4_0:
      return kernels.q4_0;
    case DType::kQ8_0:
      return kernels.q8_0;
    case DType::kQ4_K:
      return kernels.q4_k;
    case DType::kQ5_K:
      return kernels.q5_k;
    default:
      return kernels.q6_k;
  }
}

// 16 rows of a few blocks and the units of them, `step_bytes` apart and at an odd address.
struct Units {
  static constexpr int64_t kBlocks = 3;

  Units(DType dtype, std::vector<std::byte> blocks) : format(dtype), rows(std::move(blocks)) {
    const int64_t row_bytes = kBlocks * Traits(format).block_bytes;
    const std::byte* at[kTileRows];
    for (int r = 0; r < kTileRows; ++r) at[r] = rows.data() + r * row_bytes;
    step_bytes = Traits(format).block_bytes * kTileRows + 6;
    units.assign(static_cast<size_t>(1 + kBlocks * step_bytes), std::byte{0x5a});
    InterleaveBlocks(format, at, kBlocks, units.data() + 1, step_bytes);
  }
  explicit Units(DType dtype, float scale = 1.0f)
      : Units(dtype, RandomBlocks(dtype, static_cast<size_t>(kTileRows * kBlocks), 3, scale)) {}

  const std::byte* Row(int row, int64_t block) const {
    return rows.data() + (row * kBlocks + block) * Traits(format).block_bytes;
  }
  const std::byte* At(int64_t block) const { return units.data() + 1 + block * step_bytes; }

  DType format;
  int64_t step_bytes = 0;
  std::vector<std::byte> rows, units;
};

TEST(BlockUnits, GiveBackTheirBlocks) {
  for (const DType format : kFormats) {
    const Units units(format);
    const size_t bytes = static_cast<size_t>(Traits(format).block_bytes);
    for (int64_t b = 0; b < Units::kBlocks; ++b) {
      for (int r = 0; r < kTileRows; ++r) {
        std::byte block[kMaxBlockBytes];
        TakeBlock(format, units.At(b), r, block);
        EXPECT_EQ(std::memcmp(block, units.Row(r, b), bytes), 0) << Name(format) << " row " << r << " block " << b;
      }
      for (size_t gap = bytes * kTileRows; gap < static_cast<size_t>(units.step_bytes); ++gap) {
        EXPECT_EQ(units.At(b)[gap], std::byte{0x5a}) << Name(format);
      }
    }
  }
}

class UnpackKernelsTest : public testing::TestWithParam<const KernelTable*> {
 protected:
  // Every slice of every block against the definition.
  void Compare(const Units& units) const {
    constexpr int64_t kStride = 3 * kTileRows;  // as the second of three tiles
    constexpr float kSentinel = 12345.5f;
    const int elements = Traits(units.format).block_elements;
    std::vector<float> expected(static_cast<size_t>(elements));
    for (int64_t b = 0; b < Units::kBlocks; ++b) {
      for (int slice = 0; slice < elements / kInt8Group; ++slice) {
        std::vector<float> out(static_cast<size_t>(kInt8Group * kStride), kSentinel);
        KernelsOf(GetParam()->linear, units.format)
            .unpack({.unit = units.At(b), .slice = slice, .out = out.data() + kTileRows, .out_stride = kStride});
        for (int r = 0; r < kTileRows; ++r) {
          Unpack(units.format, units.Row(r, b), expected.data(), expected.size());
          for (int i = 0; i < kInt8Group; ++i) {
            ASSERT_EQ(out[static_cast<size_t>(i * kStride + kTileRows + r)],
                      expected[static_cast<size_t>(slice * kInt8Group + i)])
                << Name(units.format) << " block " << b << " slice " << slice << " row " << r << " element " << i;
          }
        }
        for (size_t i = 0; i < out.size(); ++i) {
          if (i % kStride < kTileRows || i % kStride >= 2 * kTileRows) {
            ASSERT_EQ(out[i], kSentinel);
          }
        }
      }
    }
  }
};

TEST_P(UnpackKernelsTest, AgreeExactlyWithTheDefinition) {
  for (const DType format : kFormats) {
    Compare(Units(format));
    Compare(Units(format, 1e5f));
    Compare(Units(format, 1e-4f));  // subnormal f16 scales
  }
}

// What they may compute from an infinite scale is not defined, only that nothing else happens.
TEST_P(UnpackKernelsTest, TakeAnyBytes) {
  for (const DType format : kFormats) {
    Units units(format, RandomBlocks(format, kTileRows * Units::kBlocks, 5, std::numeric_limits<float>::infinity()));
    std::vector<float> out(kInt8Group * kTileRows);
    for (int slice = 0; slice < Traits(format).block_elements / kInt8Group; ++slice) {
      KernelsOf(GetParam()->linear, format).unpack({units.At(0), slice, out.data(), kTileRows});
    }
    EXPECT_FALSE(out[0] - out[0] == 0) << Name(format);
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, UnpackKernelsTest, testing::ValuesIn(RunnableKernels()), LevelName());

}  // namespace
}  // namespace spate::cpu
