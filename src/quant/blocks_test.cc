// The block formats against tests/golden/quant, which tools/make_quant_goldens.py wrote with gguf-py.
#include "quant/blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "base/npy.h"
#include "base/rng.h"
#include "quant/dtype.h"

namespace spate {
namespace {

constexpr DType kBlockFormats[] = {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,   DType::kQ5_1,
                                   DType::kQ8_0, DType::kQ2_K, DType::kQ3_K,   DType::kQ4_K,
                                   DType::kQ5_K, DType::kQ6_K, DType::kIQ4_NL, DType::kIQ4_XS};
constexpr DType kWritten[] = {DType::kQ4_0, DType::kQ8_0};

NpyArray Golden(const std::string& name) { return ReadNpy(SPATE_SOURCE_DIR "/tests/golden/quant/" + name + ".npy"); }

std::vector<std::byte> Bytes(const std::string& name) {
  const NpyArray file = Golden(name);
  const std::vector<int32_t>& words = file.Ints(name);
  std::vector<std::byte> bytes(words.size() * sizeof(int32_t));
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

std::vector<uint32_t> Bits(const std::vector<float>& values) {
  std::vector<uint32_t> bits(values.size());
  std::memcpy(bits.data(), values.data(), values.size() * sizeof(float));
  return bits;
}

std::string FormatName(const testing::TestParamInfo<DType>& test) { return std::string(Name(test.param)); }

class BlockTest : public testing::TestWithParam<DType> {
 protected:
  size_t elements() const { return static_cast<size_t>(Traits(GetParam()).block_elements); }
  size_t bytes() const { return static_cast<size_t>(Traits(GetParam()).block_bytes); }
  std::string name() const { return std::string(Name(GetParam())); }
};

TEST_P(BlockTest, UnpacksBitForBitWhatTheReferenceDoes) {
  const std::vector<std::byte> blocks = Bytes(name() + ".blocks");
  const NpyArray file = Golden(name() + ".values");
  const std::vector<float>& expected = file.Floats(name());
  ASSERT_EQ(blocks.size() / bytes() * elements(), expected.size());
  ASSERT_GE(blocks.size() / bytes(), 6u);
  std::vector<float> values(expected.size());
  Unpack(GetParam(), blocks.data(), values.data(), values.size());
  EXPECT_EQ(Bits(values), Bits(expected));
}

TEST_P(BlockTest, EveryByteCounts) {
  std::vector<std::byte> block = Bytes(name() + ".blocks");
  const size_t at = 4 * bytes();  // after the blocks with the corners of f16
  std::vector<float> before(elements()), after(elements());
  Unpack(GetParam(), block.data() + at, before.data(), elements());
  for (size_t i = 0; i < bytes(); ++i) {
    block[at + i] ^= std::byte{0x11};
    Unpack(GetParam(), block.data() + at, after.data(), elements());
    EXPECT_NE(Bits(after), Bits(before)) << "byte " << i;
    block[at + i] ^= std::byte{0x11};
  }
}

TEST_P(BlockTest, ReadsAtAnyAddress) {
  const std::vector<std::byte> blocks = Bytes(name() + ".blocks");
  std::vector<std::byte> moved(blocks.size() + 1);
  std::memcpy(moved.data() + 1, blocks.data(), blocks.size());
  const size_t count = blocks.size() / bytes() * elements();
  std::vector<float> here(count), there(count);
  Unpack(GetParam(), blocks.data(), here.data(), count);
  Unpack(GetParam(), moved.data() + 1, there.data(), count);
  EXPECT_EQ(Bits(here), Bits(there));
}

TEST_P(BlockTest, AnyBytesAreABlock) {
  std::vector<std::byte> block(bytes());
  std::vector<float> values(elements());
  for (uint32_t round = 0; round < 500; ++round) {
    for (size_t i = 0; i < block.size(); ++i) {
      block[i] = static_cast<std::byte>(Philox4x32({static_cast<uint32_t>(i), round, 0, 0}, {7, 0})[0] & 0xff);
    }
    Unpack(GetParam(), block.data(), values.data(), values.size());
  }
  // All ones: every scale and offset is NaN.
  std::fill(block.begin(), block.end(), std::byte{0xff});
  Unpack(GetParam(), block.data(), values.data(), values.size());
  for (const float value : values) EXPECT_TRUE(std::isnan(value));
}

INSTANTIATE_TEST_SUITE_P(Formats, BlockTest, testing::ValuesIn(kBlockFormats), FormatName);

class PackBlockTest : public BlockTest {};

TEST_P(PackBlockTest, WritesBitForBitWhatTheReferenceDoes) {
  const NpyArray file = Golden("pack.values");
  const std::vector<float>& values = file.Floats("values");
  const std::vector<std::byte> expected = Bytes(name() + ".packed");
  std::vector<std::byte> packed(expected.size());
  ASSERT_EQ(expected.size() / bytes() * elements(), values.size());
  Pack(GetParam(), values.data(), packed.data(), values.size());
  EXPECT_EQ(packed, expected);
}

TEST_P(PackBlockTest, ErrsByAtMostHalfALevel) {
  const NpyArray file = Golden("pack.values");
  const std::vector<float>& all = file.Floats("values");
  const std::vector<float> values(all.end() - 19 * 32, all.end());  // the ordinary ones
  std::vector<std::byte> packed(values.size() / elements() * bytes());
  std::vector<float> again(values.size());
  Pack(GetParam(), values.data(), packed.data(), values.size());
  Unpack(GetParam(), packed.data(), again.data(), again.size());
  const float highest = GetParam() == DType::kQ4_0 ? 8 : 127;
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t first = i / 32 * 32;
    float largest = 0;
    for (size_t j = first; j < first + 32; ++j) largest = std::max(largest, std::fabs(values[j]));
    // Q4_0 has no level 8: what lies between 7.5 and 8 is off by up to a whole level. The scale itself is rounded to
    // 11 bits.
    const float levels = GetParam() == DType::kQ4_0 ? 1.0f : 0.5f;
    EXPECT_NEAR(again[i], values[i], largest / highest * levels + largest * 0x1p-11f) << i;
  }
}

TEST_P(PackBlockTest, WhatIsNotFiniteIsStillABlock) {
  constexpr float kOdd[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::max(),
                            std::numeric_limits<float>::denorm_min()};
  for (const float odd : kOdd) {
    for (const size_t at : {size_t{0}, size_t{17}}) {
      std::vector<float> values(32, 0.5f);
      if (odd == std::numeric_limits<float>::denorm_min()) values.assign(32, 0.0f);
      values[at] = odd;
      std::vector<std::byte> packed(bytes(), std::byte{0xaa});
      Pack(GetParam(), values.data(), packed.data(), 32);
      // A level was written for every element: 0xaa is none that these values get.
      for (size_t i = 2; i < packed.size(); ++i) EXPECT_NE(packed[i], std::byte{0xaa}) << odd << " at " << at;
      if (std::isfinite(odd)) continue;
      std::vector<float> again(32);
      Unpack(GetParam(), packed.data(), again.data(), 32);
      for (const float value : again) EXPECT_FALSE(std::isfinite(value)) << odd << " at " << at << ": hidden";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, PackBlockTest, testing::ValuesIn(kWritten), FormatName);

TEST(BlockDeathTest, PartsOfABlockAreABug) {
  const std::byte source[256] = {};
  float out[256];
  EXPECT_EXIT(Unpack(DType::kQ8_0, source, out, 31), testing::ExitedWithCode(1), "31 elements of q8_0");
  EXPECT_EXIT(Unpack(DType::kQ4_K, source, out, 32), testing::ExitedWithCode(1), "blocks have 256");
}

}  // namespace
}  // namespace spate
