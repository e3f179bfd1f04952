#include "convert/bad_values.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "base/rng.h"

namespace spate {
namespace {

constexpr DType kBlockFormats[] = {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,   DType::kQ5_1,
                                   DType::kQ8_0, DType::kQ2_K, DType::kQ3_K,   DType::kQ4_K,
                                   DType::kQ5_K, DType::kQ6_K, DType::kIQ4_NL, DType::kIQ4_XS};

std::vector<std::byte> RandomBytes(size_t count, uint32_t seed) {
  std::vector<std::byte> bytes(count);
  for (size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<std::byte>(Philox4x32({static_cast<uint32_t>(i), 0, 0, 0}, {seed, 0})[0] & 0xff);
  }
  return bytes;
}

BadValues CountIn(DType format, std::span<const std::byte> bytes, size_t piece) {
  BadValueCounter counter(format);
  for (size_t at = 0; at < bytes.size(); at += piece)
    counter.Feed(bytes.subspan(at, std::min(piece, bytes.size() - at)));
  return counter.result();
}

// What the definition of the format says of every single value.
BadValues Definition(DType format, std::span<const std::byte> bytes) {
  const auto count = static_cast<int64_t>(bytes.size()) / Traits(format).block_bytes * Traits(format).block_elements;
  std::vector<float> values(static_cast<size_t>(count));
  Unpack(format, bytes.data(), values.data(), values.size());
  BadValues bad;
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    if (bad.first < 0) bad.first = static_cast<int64_t>(i);
    ++(std::isnan(values[i]) ? bad.nan : bad.inf);
  }
  return bad;
}

TEST(BadValues, OfRandomBytesAreThoseOfTheDefinition) {
  std::vector<DType> formats(std::begin(kBlockFormats), std::end(kBlockFormats));
  for (const DType plain : {DType::kF16, DType::kBF16, DType::kF32}) formats.push_back(plain);
  for (const DType format : formats) {
    const std::vector<std::byte> bytes =
        RandomBytes(size_t{1000} * static_cast<size_t>(Traits(format).block_bytes), static_cast<uint32_t>(format));
    const BadValues want = Definition(format, bytes);
    ASSERT_GT(want.nan, 0) << Name(format);  // one scale in 32 is not finite
    for (const size_t piece : {bytes.size(), size_t{1}, size_t{777}}) {
      const BadValues got = CountIn(format, bytes, piece);
      EXPECT_EQ(got.nan, want.nan) << Name(format) << " " << piece;
      EXPECT_EQ(got.inf, want.inf) << Name(format) << " " << piece;
      EXPECT_EQ(got.first, want.first) << Name(format) << " " << piece;
    }
  }
}

TEST(BadValues, FiniteScalesMakeFiniteValues) {
  for (const DType format : kBlockFormats) {
    std::vector<std::byte> bytes(static_cast<size_t>(Traits(format).block_bytes) * 64, std::byte{0x7b});
    EXPECT_FALSE(Definition(format, bytes).any());  // 0x7b7b is the largest scale but some
    EXPECT_FALSE(CountIn(format, bytes, bytes.size()).any()) << Name(format);
  }
}

TEST(BadValues, FloatsOfEightAndSixtyFourBits) {
  const std::vector<std::byte> bytes = {std::byte{0x7e}, std::byte{0x7f}, std::byte{0xff}, std::byte{0x7c}};
  EXPECT_EQ(CountIn(DType::kF8E4M3, bytes, 4).nan, 2);
  EXPECT_EQ(CountIn(DType::kF8E4M3, bytes, 4).first, 1);
  EXPECT_EQ(CountIn(DType::kF8E5M2, bytes, 4).nan, 3);
  EXPECT_EQ(CountIn(DType::kF8E5M2, bytes, 4).inf, 1);
  const double doubles[] = {1e300, std::numeric_limits<double>::infinity(), std::nan("")};  // the first is finite
  const BadValues bad = CountIn(DType::kF64, std::as_bytes(std::span(doubles)), 5);
  EXPECT_EQ(bad.nan, 1);
  EXPECT_EQ(bad.inf, 1);
  EXPECT_EQ(bad.first, 1);
}

TEST(BadValues, IntegersHaveNone) { EXPECT_FALSE(CountIn(DType::kI32, RandomBytes(4096, 1), 4096).any()); }

}  // namespace
}  // namespace spate
