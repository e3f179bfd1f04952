// Packing blocks into units and the kernels that unpack them, against the definitions of quant/.
#include "backend/cpu/block_units.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <vector>

#include "backend/cpu/kernel_levels_for_test.h"
#include "quant/int8_group.h"
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

// What a level of the unpacked bytes stands for 0.
int ZeroOf(DType format) {
  switch (format) {
    case DType::kQ4_0:
      return 8;
    case DType::kQ8_0:
      return 128;
    case DType::kQ6_K:
      return 32;
    default:
      return 0;
  }
}

class UnpackKernelsTest : public testing::TestWithParam<const KernelTable*> {
 protected:
  // Every group of every block against the definition.
  void Compare(const Units& units) const {
    const int elements = Traits(units.format).block_elements;
    const bool has_offset = units.format == DType::kQ4_K || units.format == DType::kQ5_K;
    const int part_elements = units.format == DType::kQ6_K ? 16 : kInt8Group;
    std::vector<float> expected(static_cast<size_t>(elements));
    for (int64_t b = 0; b < Units::kBlocks; ++b) {
      for (int group = 0; group < elements / kInt8Group; ++group) {
        alignas(64) std::byte out[kUnpackedBytes];
        KernelsOf(GetParam()->linear, units.format).unpack({.unit = units.At(b), .group = group, .out = out});
        const auto* scales = reinterpret_cast<const float*>(out + kUnpackedScales);
        const auto* offsets = reinterpret_cast<const float*>(out + kUnpackedOffset);
        for (int r = 0; r < kTileRows; ++r) {
          Unpack(units.format, units.Row(r, b), expected.data(), expected.size());
          for (int i = 0; i < kInt8Group; ++i) {
            const std::byte byte = out[i / 4 * 64 + 4 * r + i % 4];
            const int level =
                UnpacksSigned(units.format) ? static_cast<int8_t>(byte) : static_cast<int>(byte) - ZeroOf(units.format);
            const float scale = scales[i / part_elements * kTileRows + r];
            const float weight = scale * static_cast<float>(level) + (has_offset ? offsets[r] : 0.0f);
            ASSERT_EQ(weight, expected[static_cast<size_t>(group * kInt8Group + i)])
                << Name(units.format) << " block " << b << " group " << group << " row " << r << " element " << i;
          }
        }
      }
    }
  }

 private:
  // Without vpdpbusd bytes above 128 cannot be multiplied.
  static bool UnpacksSigned(DType format) { return format == DType::kQ8_0 && GetParam()->peaks.int8 == nullptr; }
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
    alignas(64) std::byte out[kUnpackedBytes];
    for (int group = 0; group < Traits(format).block_elements / kInt8Group; ++group) {
      KernelsOf(GetParam()->linear, format).unpack({units.At(0), group, out});
    }
    const float scale = *reinterpret_cast<const float*>(out + kUnpackedScales);
    EXPECT_FALSE(scale - scale == 0) << Name(format);
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, UnpackKernelsTest, testing::ValuesIn(RunnableKernels()), LevelName());

}  // namespace
}  // namespace spate::cpu
