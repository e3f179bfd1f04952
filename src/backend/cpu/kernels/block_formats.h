// How the kernels read block formats out of units (linear_kernels.h): quant/blocks_32.cc and k_quants.cc define the
// values, block_units.h the order of the bits in a unit. A lane is a row; a group is 32 k, in 8 vectors of 4 k each.
//
//   struct Format {
//     static constexpr int kGroups;      // of a block
//     static constexpr int kBlockBytes;  // of one row
//     static constexpr int kParts;       // of a group, each with a scale of its own
//     static constexpr bool kMin;        // a group has an offset
//     static constexpr int kZeroSum;     // what sums start with and the level of 0 adds (Int8Layout); 0: level 0 is 0
//     static constexpr bool kSigned;     // levels are int8, else uint8
//     static Vi Levels(const std::byte* unit, int group, int vector);  // k 4 * vector ... + 3, a byte each
//     static Vf Scale(const std::byte* unit, int group, int part);
//     static Vf Offset(const std::byte* unit, int group);
//   };
// A weight is (level - zero) * scale + offset, the value of its definition.
#pragma once

#include "backend/cpu/kernels/dot_bytes.h"
#include "backend/cpu/linear_kernels.h"

namespace spate::cpu::SPATE_ISA_NS {

inline constexpr int kVectors = 8;  // of a group
inline constexpr int kVectorBytes = 4 * kTileRows;

SPATE_INLINE Vi SetEachByte(uint8_t value) { return SetI(static_cast<int32_t>(value * 0x01010101u)); }

// Nibbles: a vector's low ones are k 0 ... 3, its high ones k 4 ... 7.
SPATE_INLINE Vi NibbleVector(const std::byte* nibbles, int vector) {
  const Vi bytes = LoadI(nibbles + vector / 2 * kVectorBytes);
  return (vector % 2 == 0 ? bytes : ShiftRight<4>(bytes)) & SetEachByte(15);
}

struct Q40Format {
  static constexpr int kGroups = 1, kBlockBytes = 18, kParts = 1, kZeroSum = Int8Layout::kZero8;
  static constexpr bool kMin = false, kSigned = false;
  SPATE_INLINE Vi Levels(const std::byte* unit, int /*group*/, int vector) { return NibbleVector(unit + 32, vector); }
  SPATE_INLINE Vf Scale(const std::byte* unit, int /*group*/, int /*part*/) { return LoadF16(unit); }
};

struct Q80Format {
  static constexpr int kGroups = 1, kBlockBytes = 34, kParts = 1;
  static constexpr bool kMin = false, kSigned = !kUnsignedWeights;
  static constexpr int kZeroSum = kSigned ? 0 : Int8Layout::kZero128;
  SPATE_INLINE Vi Levels(const std::byte* unit, int /*group*/, int vector) {
    const Vi levels = LoadI(unit + 32 + vector * kVectorBytes);
    return kSigned ? levels : levels ^ SetEachByte(0x80);
  }
  SPATE_INLINE Vf Scale(const std::byte* unit, int /*group*/, int /*part*/) { return LoadF16(unit); }
};

// Byte i of each row's 12 scale bytes of Q4_K and Q5_K.
SPATE_INLINE Vi ScaleByte(const std::byte* unit, int i) {
  return ShiftRight(LoadI(unit + 64 + i / 4 * kVectorBytes), i % 4 * 8) & SetI(255);
}
SPATE_INLINE Vf KScale(const std::byte* unit, int group) {
  const Vi level =
      group < 4 ? ScaleByte(unit, group) & SetI(63)
                : (ScaleByte(unit, group + 4) & SetI(15)) | ShiftLeft<4>(ShiftRight<6>(ScaleByte(unit, group - 4)));
  return LoadF16(unit) * ToFloat(level);
}
SPATE_INLINE Vf KOffset(const std::byte* unit, int group) {
  const Vi level =
      group < 4 ? ScaleByte(unit, group + 4) & SetI(63)
                : ShiftRight<4>(ScaleByte(unit, group + 4)) | ShiftLeft<4>(ShiftRight<6>(ScaleByte(unit, group)));
  return Zero() - LoadF16(unit + 32) * ToFloat(level);
}

struct Q4KFormat {
  static constexpr int kGroups = 8, kBlockBytes = 144, kParts = 1, kZeroSum = 0;
  static constexpr bool kMin = true, kSigned = false;
  SPATE_INLINE Vi Levels(const std::byte* unit, int group, int vector) {
    return NibbleVector(unit + 256 + group * 256, vector);
  }
  SPATE_INLINE Vf Scale(const std::byte* unit, int group, int /*part*/) { return KScale(unit, group); }
  SPATE_INLINE Vf Offset(const std::byte* unit, int group) { return KOffset(unit, group); }
};

// A group's nibbles, then a vector whose bit v of each byte is the fifth bit of vector v.
struct Q5KFormat {
  static constexpr int kGroups = 8, kBlockBytes = 176, kParts = 1, kZeroSum = 0;
  static constexpr bool kMin = true, kSigned = false;
  SPATE_INLINE Vi Levels(const std::byte* unit, int group, int vector) {
    const std::byte* levels = unit + 256 + group * 320;
    const Vi bits = LoadI(levels + 256);
    const Vi fifth = vector < 4 ? ShiftLeft(bits, 4 - vector) : ShiftRight(bits, vector - 4);
    return NibbleVector(levels, vector) | (fifth & SetEachByte(0x10));
  }
  SPATE_INLINE Vf Scale(const std::byte* unit, int group, int /*part*/) { return KScale(unit, group); }
  SPATE_INLINE Vf Offset(const std::byte* unit, int group) { return KOffset(unit, group); }
};

// A group's nibbles, then two vectors with the top two bits of four vectors each.
struct Q6KFormat {
  static constexpr int kGroups = 8, kBlockBytes = 210, kParts = 2, kZeroSum = Int8Layout::kZero32;
  static constexpr bool kMin = false, kSigned = false;
  SPATE_INLINE Vi Levels(const std::byte* unit, int group, int vector) {
    const std::byte* levels = unit + 288 + group * 384;
    const Vi bits = LoadI(levels + 256 + vector / 4 * kVectorBytes);
    const int from = vector % 4 * 2;
    const Vi top = from < 4 ? ShiftLeft(bits, 4 - from) : ShiftRight(bits, from - 4);
    return NibbleVector(levels, vector) | (top & SetEachByte(0x30));
  }
  SPATE_INLINE Vf Scale(const std::byte* unit, int group, int part) {
    const int i = 2 * group + part;
    const Vi bytes = LoadI(unit + 32 + i / 4 * kVectorBytes);
    return LoadF16(unit) * ToFloat(ShiftRight(ShiftLeft(bytes, 24 - i % 4 * 8), 24));
  }
};

}  // namespace spate::cpu::SPATE_ISA_NS
