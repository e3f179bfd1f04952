// 32 elements with one scale d, and in the _1 formats one offset m, both f16. A nibble of qs is (the low four bits of)
// a level: byte i has element i in its low nibble and element i + 16 in its high one. Bit i of the 32-bit qh is the
// fifth bit of element i.
//
//          bytes   layout                        value
//   Q4_0   18      d  qs[16]                     d (q - 8)
//   Q4_1   20      d  m  qs[16]                  d q + m
//   Q5_0   22      d  qh[4]  qs[16]              d (q - 16)
//   Q5_1   24      d  m  qh[4]  qs[16]           d q + m
//   Q8_0   34      d  qs[32], signed bytes       d q
#include <algorithm>
#include <cmath>
#include <limits>

#include "quant/block_bits.h"
#include "quant/blocks.h"

namespace spate {
namespace {

constexpr int kElements = 32;

// The nibble of element i.
int Nibble(const uint8_t* qs, int i) { return BitsOf(qs[i % 16], i / 16 * 4, 4); }

int FiveBits(const uint8_t* qh, const uint8_t* qs, int i) { return Nibble(qs, i) | BitsOf(qh[i / 8], i % 8, 1) << 4; }

float Inverse(float d) { return d == 0 ? 0 : 1 / d; }

// NaN where one of a block's values is: comparisons pass over it, and a damaged weight would become a plausible one.
float NanIfAny(const float* values, float d) {
  const bool any = std::any_of(values, values + kElements, [](float value) { return std::isnan(value); });
  return any ? std::numeric_limits<float>::quiet_NaN() : d;
}

// f32 that is no level, as products with the inverse of an infinite, tiny or NaN scale are, has no integer.
int ToLevel(float value, int low, int high) {
  if (!std::isfinite(value)) return 0;
  return static_cast<int>(std::fmin(std::fmax(value, static_cast<float>(low)), static_cast<float>(high)));
}

}  // namespace

void UnpackQ40(const uint8_t* block, float* out) {
  const float d = F16At(block);
  for (int i = 0; i < kElements; ++i) out[i] = d * static_cast<float>(Nibble(block + 2, i) - 8);
}

void UnpackQ41(const uint8_t* block, float* out) {
  const float d = F16At(block);
  const float m = F16At(block + 2);
  for (int i = 0; i < kElements; ++i) out[i] = d * static_cast<float>(Nibble(block + 4, i)) + m;
}

void UnpackQ50(const uint8_t* block, float* out) {
  const float d = F16At(block);
  for (int i = 0; i < kElements; ++i) out[i] = d * static_cast<float>(FiveBits(block + 2, block + 6, i) - 16);
}

void UnpackQ51(const uint8_t* block, float* out) {
  const float d = F16At(block);
  const float m = F16At(block + 2);
  for (int i = 0; i < kElements; ++i) out[i] = d * static_cast<float>(FiveBits(block + 4, block + 8, i)) + m;
}

void UnpackQ80(const uint8_t* block, float* out) {
  const float d = F16At(block);
  for (int i = 0; i < kElements; ++i) out[i] = d * static_cast<float>(static_cast<int8_t>(block[2 + i]));
}

// The largest magnitude (the first of equals) becomes level 0, which is -8 d: so that all 16 levels are of use, d has
// the opposite sign. Half a level rounds up, everything in f32.
void PackQ40(const float* values, uint8_t* block) {
  float largest = values[0];
  for (int i = 1; i < kElements; ++i) {
    if (std::fabs(values[i]) > std::fabs(largest)) largest = values[i];
  }
  const float d = NanIfAny(values, largest / -8);
  const float inverse = Inverse(d);
  PutF16(d, block);
  const auto level = [&](int i) { return static_cast<unsigned>(ToLevel(values[i] * inverse + 8.5f, 0, 15)); };
  for (int i = 0; i < 16; ++i) block[2 + i] = static_cast<uint8_t>(level(i) | level(i + 16) << 4);
}

// Half a level rounds away from zero, everything in f32.
void PackQ80(const float* values, uint8_t* block) {
  float largest = 0;
  for (int i = 0; i < kElements; ++i) largest = std::fmax(largest, std::fabs(values[i]));
  const float d = NanIfAny(values, largest / 127);
  const float inverse = Inverse(d);
  PutF16(d, block);
  for (int i = 0; i < kElements; ++i) {
    block[2 + i] = static_cast<uint8_t>(ToLevel(std::round(values[i] * inverse), -127, 127));
  }
}

}  // namespace spate
