#include "quant/dtype.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace spate {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

constexpr DType kPlain[] = {DType::kF32, DType::kF16, DType::kBF16, DType::kF64,    DType::kI8,
                            DType::kU8,  DType::kI16, DType::kU16,  DType::kI32,    DType::kU32,
                            DType::kI64, DType::kU64, DType::kBool, DType::kF8E4M3, DType::kF8E5M2};

uint16_t Bits16(DType dtype, float value) {
  uint16_t bits = 0;
  Pack(dtype, &value, reinterpret_cast<std::byte*>(&bits), 1);
  return bits;
}

float FromBits16(DType dtype, uint16_t bits) {
  float value = 0;
  Unpack(dtype, reinterpret_cast<const std::byte*>(&bits), &value, 1);
  return value;
}

TEST(DType, NamesParseBack) {
  for (DType dtype : kPlain) EXPECT_EQ(ParseDType(Name(dtype)), dtype) << Name(dtype);
  EXPECT_EQ(ParseDType("bf16"), DType::kBF16);
  EXPECT_EQ(ParseDType("f8_e5m2"), DType::kF8E5M2);
  for (std::string_view unknown : {"", "f", "f320", "F32", "float32", "bf16 "})
    EXPECT_EQ(ParseDType(unknown), std::nullopt);
}

TEST(DType, BytesOfAnElement) {
  constexpr int kBytes[] = {4, 2, 2, 8, 1, 1, 2, 2, 4, 4, 8, 8, 1, 1, 1};
  for (size_t i = 0; i < std::size(kPlain); ++i) {
    EXPECT_EQ(Traits(kPlain[i]).block_bytes, kBytes[i]) << Name(kPlain[i]);
    EXPECT_EQ(Traits(kPlain[i]).block_elements, 1) << Name(kPlain[i]);
  }
}

TEST(DType, ElementsAndBytesOfABlock) {
  EXPECT_EQ(ParseDType("q4_k"), DType::kQ4_K);
  EXPECT_EQ(ParseDType("iq4_xs"), DType::kIQ4_XS);
  EXPECT_EQ(RowBytes(DType::kQ4_0, 64), 2 * (2 + 16));
  EXPECT_EQ(RowBytes(DType::kQ6_K, 512), 2 * (128 + 64 + 16 + 2));
  EXPECT_EQ(RowBytes(DType::kBF16, 5), 10);
}

TEST(DType, WeightsAreFloatingPoint) {
  for (DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kF64, DType::kQ4_1, DType::kQ6_K})
    EXPECT_TRUE(IsWeightFormat(dtype));
  for (DType dtype : {DType::kI8, DType::kI32, DType::kBool, DType::kU64}) EXPECT_FALSE(IsWeightFormat(dtype));
}

TEST(DType, Bf16RoundsToNearestEven) {
  EXPECT_EQ(Bits16(DType::kBF16, 1.0f), 0x3f80);
  EXPECT_EQ(Bits16(DType::kBF16, 1.0f + 0x1p-8f), 0x3f80);             // tie, to even below
  EXPECT_EQ(Bits16(DType::kBF16, 1.0f + 0x1p-8f + 0x1p-20f), 0x3f81);  // beyond the tie
  EXPECT_EQ(Bits16(DType::kBF16, 1.0f + 3 * 0x1p-8f), 0x3f82);         // tie, to even above
  EXPECT_EQ(Bits16(DType::kBF16, -2.5f), 0xc020);
  EXPECT_EQ(Bits16(DType::kBF16, -0.0f), 0x8000);
  EXPECT_EQ(Bits16(DType::kBF16, kInfinity), 0x7f80);
  EXPECT_EQ(Bits16(DType::kBF16, std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_TRUE(std::isnan(FromBits16(DType::kBF16, Bits16(DType::kBF16, std::numeric_limits<float>::quiet_NaN()))));
}

TEST(DType, F16RoundsToNearestEvenAndHasSubnormals) {
  EXPECT_EQ(Bits16(DType::kF16, 1.0f), 0x3c00);
  EXPECT_EQ(Bits16(DType::kF16, 1.0f + 0x1p-11f), 0x3c00);
  EXPECT_EQ(Bits16(DType::kF16, 1.0f + 3 * 0x1p-11f), 0x3c02);
  EXPECT_EQ(Bits16(DType::kF16, 65504.0f), 0x7bff);
  EXPECT_EQ(Bits16(DType::kF16, 65519.0f), 0x7bff);
  EXPECT_EQ(Bits16(DType::kF16, 65520.0f), 0x7c00);
  EXPECT_EQ(Bits16(DType::kF16, 0x1p-24f), 0x0001);
  EXPECT_EQ(Bits16(DType::kF16, 0x1p-25f), 0x0000);
  EXPECT_EQ(FromBits16(DType::kF16, 0x0001), 0x1p-24f);
  EXPECT_EQ(FromBits16(DType::kF16, 0xfbff), -65504.0f);
  EXPECT_EQ(FromBits16(DType::kF16, 0xfc00), -kInfinity);
}

TEST(DType, EverySixteenBitPatternSurvivesUnpackAndPack) {
  for (DType dtype : {DType::kF16, DType::kBF16}) {
    for (uint32_t bits = 0; bits < 0x10000; ++bits) {
      const float value = FromBits16(dtype, static_cast<uint16_t>(bits));
      if (std::isnan(value)) continue;
      ASSERT_EQ(Bits16(dtype, value), bits) << Name(dtype);
    }
  }
}

TEST(DType, ReadsAtAnyAddress) {
  std::vector<std::byte> bytes(1 + 3 * 8);
  const double doubles[] = {1.5, -2.25, 1e300};
  std::memcpy(bytes.data() + 1, doubles, sizeof(doubles));
  float values[3];
  Unpack(DType::kF64, bytes.data() + 1, values, 3);
  EXPECT_EQ(values[0], 1.5f);
  EXPECT_EQ(values[1], -2.25f);
  EXPECT_EQ(values[2], kInfinity);
  const float floats[] = {3, 4};
  Pack(DType::kF32, floats, bytes.data() + 1, 2);
  Unpack(DType::kF32, bytes.data() + 1, values, 2);
  EXPECT_EQ(values[0], 3);
  EXPECT_EQ(values[1], 4);
}

TEST(DType, AnEmptyTensorHasNoAddress) {
  for (DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kF64}) {
    Unpack(dtype, nullptr, nullptr, 0);
    if (dtype != DType::kF64) Pack(dtype, nullptr, nullptr, 0);
  }
}

TEST(DTypeDeathTest, IntegersAreNotWeights) {
  const std::byte source[4] = {};
  float value = 0;
  EXPECT_EXIT(Unpack(DType::kI32, source, &value, 1), testing::ExitedWithCode(1), "i32 is not a weight format");
}

}  // namespace
}  // namespace spate
