#include "base/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace spate {
namespace {

// What a 16-bit float means, by its definition.
double Meaning(uint16_t bits, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int mantissa = bits & ((1 << mantissa_bits) - 1);
  const int exponent = (bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1) {
    return mantissa != 0 ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
  }
  const double fraction = std::ldexp(mantissa, -mantissa_bits);
  return exponent == 0 ? sign * std::ldexp(fraction, 1 - bias) : sign * std::ldexp(1 + fraction, exponent - bias);
}

bool IsNan(F16 v) { return (v.bits & 0x7fff) > 0x7c00; }
bool IsNan(Bf16 v) { return (v.bits & 0x7fff) > 0x7f80; }

TEST(Half, EveryF16HasItsMeaningAndComesBack) {
  for (uint32_t i = 0; i < 65536; ++i) {
    const F16 half{static_cast<uint16_t>(i)};
    const float value = ToFloat(half);
    if (IsNan(half)) {
      EXPECT_TRUE(std::isnan(value)) << i;
      EXPECT_EQ(ToF16(value).bits, i | 0x0200) << "payload kept, quiet";
      continue;
    }
    ASSERT_EQ(value, Meaning(half.bits, 5, 10)) << i;
    ASSERT_EQ(ToF16(value).bits, i);  // also tells -0 from 0
  }
}

TEST(Half, EveryBf16HasItsMeaningAndComesBack) {
  for (uint32_t i = 0; i < 65536; ++i) {
    const Bf16 half{static_cast<uint16_t>(i)};
    const float value = ToFloat(half);
    if (IsNan(half)) {
      EXPECT_TRUE(std::isnan(value)) << i;
      EXPECT_EQ(ToBf16(value).bits, i | 0x0040);
      continue;
    }
    ASSERT_EQ(value, Meaning(half.bits, 8, 7)) << i;
    ASSERT_EQ(ToBf16(value).bits, i);
  }
}

// Between each pair of neighbours: the midpoint goes to the even one, one f32 step off it to the nearer one. Doubles
// hold every midpoint exactly.
template <typename Half, typename Convert>
void CheckRounding(int exponent_bits, int mantissa_bits, Convert convert) {
  const uint32_t infinity = ((1u << exponent_bits) - 1) << mantissa_bits;
  for (uint32_t sign : {0u, 0x8000u}) {
    for (uint32_t i = 0; i + 1 < infinity; ++i) {
      const auto low = static_cast<uint16_t>(i | sign);
      const auto high = static_cast<uint16_t>((i + 1) | sign);
      const double a = Meaning(low, exponent_bits, mantissa_bits);
      const double b = Meaning(high, exponent_bits, mantissa_bits);
      const float middle = static_cast<float>((a + b) / 2);
      ASSERT_EQ(static_cast<double>(middle), (a + b) / 2) << "f32 holds the midpoint";
      ASSERT_EQ(convert(middle).bits, (i & 1) == 0 ? low : high) << i;
      ASSERT_EQ(convert(std::nextafter(middle, static_cast<float>(a))).bits, low) << i;
      ASSERT_EQ(convert(std::nextafter(middle, static_cast<float>(b))).bits, high) << i;
    }
    // Beyond the largest finite value: from half a step above it on it is infinity.
    const auto largest = static_cast<uint16_t>((infinity - 1) | sign);
    const double top = Meaning(largest, exponent_bits, mantissa_bits);
    const double step =
        std::abs(top) - std::abs(Meaning(static_cast<uint16_t>(infinity - 2), exponent_bits, mantissa_bits));
    const float tie = static_cast<float>(top + std::copysign(step / 2, top));
    EXPECT_EQ(convert(tie).bits, infinity | sign);
    EXPECT_EQ(convert(std::nextafter(tie, 0.0f)).bits, largest);
  }
}

TEST(Half, F16RoundsToNearestEven) {
  CheckRounding<F16>(5, 10, [](float v) { return ToF16(v); });
  EXPECT_EQ(ToF16(65519.99f).bits, 0x7bff);
  EXPECT_EQ(ToF16(65520.0f).bits, 0x7c00);
  EXPECT_EQ(ToF16(-1e30f).bits, 0xfc00);
  EXPECT_EQ(ToF16(0x1p-25f).bits, 0);
  EXPECT_EQ(ToF16(std::nextafter(0x1p-25f, 1.0f)).bits, 1);
  EXPECT_EQ(ToF16(std::numeric_limits<float>::denorm_min()).bits, 0);
  EXPECT_EQ(ToF16(-std::numeric_limits<float>::denorm_min()).bits, 0x8000);
}

TEST(Half, Bf16RoundsToNearestEven) {
  CheckRounding<Bf16>(8, 7, [](float v) { return ToBf16(v); });
  EXPECT_EQ(ToBf16(std::numeric_limits<float>::max()).bits, 0x7f80);
  EXPECT_EQ(ToBf16(std::numeric_limits<float>::denorm_min()).bits, 0);
}

TEST(Half, NanStaysNanWhateverItsPayload) {
  for (const uint32_t bits : {0x7f800001u, 0x7fffffffu, 0xff800001u, 0x7f80ffffu, 0xffbfffffu}) {
    const float nan = FloatFromBits(bits);
    EXPECT_TRUE(IsNan(ToF16(nan)));
    EXPECT_TRUE(IsNan(ToBf16(nan)));
    EXPECT_EQ(ToF16(nan).bits >> 15, bits >> 31);
    EXPECT_EQ(ToBf16(nan).bits >> 15, bits >> 31);
  }
}

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("f16c"))) uint16_t HardwareF16(float value) {
  typedef float F4 __attribute__((vector_size(16)));
  typedef short S8 __attribute__((vector_size(16)));
  const S8 halves = __builtin_ia32_vcvtps2ph(F4{value, 0, 0, 0}, 0);
  return static_cast<uint16_t>(halves[0]);
}

TEST(Half, AgreesWithTheProcessorOnRandomBits) {
  if (!__builtin_cpu_supports("avx")) GTEST_SKIP() << "no F16C here";
  std::mt19937 random(7);
  for (int i = 0; i < 2'000'000; ++i) {
    const uint32_t bits = static_cast<uint32_t>(random());
    const float value = FloatFromBits(bits);
    ASSERT_EQ(ToF16(value).bits, HardwareF16(value)) << std::hex << bits;
  }
}
#endif

}  // namespace
}  // namespace spate
