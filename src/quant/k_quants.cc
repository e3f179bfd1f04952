// 256 elements in sub-blocks of 16 or 32. d and dmin are f16; a sub-block has an integer scale s and in some formats an
// integer minimum m.
//
//          bytes   layout                                        sub-blocks   value
//   Q2_K   84      scales[16]  qs[64]  d  dmin                   16 of 16     (d s) q - dmin m     q of 2 bits
//   Q3_K   110     hmask[32]  qs[64]  scales[12]  d              16 of 16     (d (s - 32)) (q - 4) q of 3
//   Q4_K   144     d  dmin  scales[12]  qs[128]                  8 of 32      (d s) q - dmin m     q of 4
//   Q5_K   176     d  dmin  scales[12]  qh[32]  qs[128]          8 of 32      (d s) q - dmin m     q of 5
//   Q6_K   210     ql[128]  qh[64]  scales[16], signed  d        16 of 16     (d s) (q - 32)       q of 6
//
// Levels lie in planes: 32 (64 in Q6_K's ql) neighbouring elements are the same bits of as many neighbouring bytes, and
// the elements that follow are the next bits of the same bytes.
#include "quant/block_bits.h"
#include "quant/blocks.h"

namespace spate {
namespace {

// `bits` bits of element i, whose plane has `width` bytes.
int Plane(const uint8_t* bytes, int i, int width, int bits) {
  const int planes = 8 / bits;
  return BitsOf(bytes[i / (width * planes) * width + i % width], i / width % planes * bits, bits);
}

struct ScaleMin {
  int scale, min;
};

// Sub-block j of Q4_K and Q5_K, 6 bits each: the first four have theirs in the low bits of bytes 0 to 3 and 4 to 7; the
// other four the low nibbles in bytes 8 to 11 and the high two bits in what those leave over.
ScaleMin ScaleMinAt(const uint8_t* scales, int j) {
  if (j < 4) return {BitsOf(scales[j], 0, 6), BitsOf(scales[j + 4], 0, 6)};
  const uint8_t low = scales[j + 4];
  return {BitsOf(low, 0, 4) | BitsOf(scales[j - 4], 6, 2) << 4, BitsOf(low, 4, 4) | BitsOf(scales[j], 6, 2) << 4};
}

// Sub-block j of Q3_K, 6 bits: nibbles in bytes 0 to 7 (all low ones first), the high two bits in bytes 8 to 11.
int Q3Scale(const uint8_t* scales, int j) {
  return BitsOf(scales[j % 8], j / 8 * 4, 4) | BitsOf(scales[8 + j % 4], j / 4 * 2, 2) << 4;
}

}  // namespace

void UnpackQ2K(const uint8_t* block, float* out) {
  const float d = F16At(block + 80);
  const float dmin = F16At(block + 82);
  for (int j = 0; j < 16; ++j) {
    const float scale = d * static_cast<float>(BitsOf(block[j], 0, 4));
    const float min = dmin * static_cast<float>(BitsOf(block[j], 4, 4));
    for (int i = 16 * j; i < 16 * (j + 1); ++i) {
      out[i] = scale * static_cast<float>(Plane(block + 16, i, 32, 2)) - min;
    }
  }
}

void UnpackQ3K(const uint8_t* block, float* out) {
  const float d = F16At(block + 108);
  for (int j = 0; j < 16; ++j) {
    const float scale = d * static_cast<float>(Q3Scale(block + 96, j) - 32);
    for (int i = 16 * j; i < 16 * (j + 1); ++i) {
      const int level = Plane(block + 32, i, 32, 2) | Plane(block, i, 32, 1) << 2;
      out[i] = scale * static_cast<float>(level - 4);
    }
  }
}

void UnpackQ4K(const uint8_t* block, float* out) {
  const float d = F16At(block);
  const float dmin = F16At(block + 2);
  for (int j = 0; j < 8; ++j) {
    const ScaleMin of = ScaleMinAt(block + 4, j);
    const float scale = d * static_cast<float>(of.scale);
    const float min = dmin * static_cast<float>(of.min);
    for (int i = 32 * j; i < 32 * (j + 1); ++i) {
      out[i] = scale * static_cast<float>(Plane(block + 16, i, 32, 4)) - min;
    }
  }
}

void UnpackQ5K(const uint8_t* block, float* out) {
  const float d = F16At(block);
  const float dmin = F16At(block + 2);
  for (int j = 0; j < 8; ++j) {
    const ScaleMin of = ScaleMinAt(block + 4, j);
    const float scale = d * static_cast<float>(of.scale);
    const float min = dmin * static_cast<float>(of.min);
    for (int i = 32 * j; i < 32 * (j + 1); ++i) {
      const int level = Plane(block + 48, i, 32, 4) | Plane(block + 16, i, 32, 1) << 4;
      out[i] = scale * static_cast<float>(level) - min;
    }
  }
}

void UnpackQ6K(const uint8_t* block, float* out) {
  const float d = F16At(block + 208);
  for (int j = 0; j < 16; ++j) {
    const float scale = d * static_cast<float>(static_cast<int8_t>(block[192 + j]));
    for (int i = 16 * j; i < 16 * (j + 1); ++i) {
      const int level = Plane(block, i, 64, 4) | Plane(block + 128, i, 32, 2) << 4;
      out[i] = scale * static_cast<float>(level - 32);
    }
  }
}

}  // namespace spate
