// How the kernels read block formats out of units (linear_kernels.h): quant/blocks_32.cc and k_quants.cc define the
// layouts. The bytes of 16 rows lie together, so that a lane is a row and nothing is shuffled. Every weight is
// Fma(level, scale, offset) and has the value of its definition: the product is exact there (quant/blocks.h), and so is
// an offset that stands for a subtraction from the level.
//
//   struct Format {
//     static constexpr int kSlices;      // of a block
//     static constexpr int kBlockBytes;  // of one row
//     static constexpr int kVariants;    // kinds of slices: slice % kPeriod / (kPeriod / kVariants) says which
//     static constexpr int kPeriod;
//     struct State {...};                // of one tile
//     // Before run 0 and run 1 of a slice: 16 k each.
//     template <int kRun> static void Begin(State&, const std::byte* unit, int slice);
//     template <int kVariant, int kRun> static Vi Level(const State&, int i);  // 0 <= i < 16
//     // with state.scale and state.offset
//   };
#pragma once

#include "backend/cpu/kernels/vec.h"
#include "backend/cpu/linear_kernels.h"

namespace spate::cpu::SPATE_ISA_NS {

// Byte i of the 16 blocks.
SPATE_INLINE const std::byte* ByteAt(const std::byte* unit, int i) { return unit + i * kTileRows; }

template <bool kHigh>
SPATE_INLINE Vi Nibble(Vi bytes) {
  if constexpr (kHigh) {
    return ShiftRight<4>(bytes);
  } else {
    return bytes & SetI(15);
  }
}

struct Q40Format {
  static constexpr int kSlices = 1, kBlockBytes = 18, kVariants = 1, kPeriod = 1;
  struct State {
    Vf scale, offset;
    const std::byte* levels;
  };
  template <int kRun>
  SPATE_INLINE void Begin(State& state, const std::byte* unit, int /*slice*/) {
    if constexpr (kRun == 0) {
      state.scale = LoadF16(unit);
      state.offset = state.scale * Set(-8.0f);
      state.levels = ByteAt(unit, 2);
    }
  }
  template <int kVariant, int kRun>
  SPATE_INLINE Vi Level(const State& state, int i) {
    return Nibble<kRun == 1>(LoadU8(ByteAt(state.levels, i)));
  }
};

struct Q80Format {
  static constexpr int kSlices = 1, kBlockBytes = 34, kVariants = 1, kPeriod = 1;
  struct State {
    Vf scale, offset;
    const std::byte* levels;
  };
  template <int kRun>
  SPATE_INLINE void Begin(State& state, const std::byte* unit, int /*slice*/) {
    if constexpr (kRun == 0) {
      state.scale = LoadF16(unit);
      state.offset = Zero();
    }
    state.levels = ByteAt(unit, 2 + 16 * kRun);
  }
  template <int kVariant, int kRun>
  SPATE_INLINE Vi Level(const State& state, int i) {
    return LoadI8(ByteAt(state.levels, i));
  }
};

// Scale and minimum of sub-block j of Q4_K and Q5_K.
template <class State>
SPATE_INLINE void SetScaleMin(State& state, const std::byte* unit, int j) {
  const std::byte* scales = ByteAt(unit, 4);
  const auto load = [&](int i) SPATE_LAMBDA { return LoadU8(ByteAt(scales, i)); };
  Vi scale, min;
  if (j < 4) {
    scale = load(j) & SetI(63);
    min = load(j + 4) & SetI(63);
  } else {
    const Vi low = load(j + 4);
    scale = (low & SetI(15)) | ShiftLeft<4>(ShiftRight<6>(load(j - 4)));
    min = ShiftRight<4>(low) | ShiftLeft<4>(ShiftRight<6>(load(j)));
  }
  state.scale = LoadF16(unit) * ToFloat(scale);
  state.offset = Zero() - LoadF16(ByteAt(unit, 2)) * ToFloat(min);
}

// Slices take turns with the low and the high nibbles of the same bytes.
struct Q4KFormat {
  static constexpr int kSlices = 8, kBlockBytes = 144, kVariants = 2, kPeriod = 2;
  struct State {
    Vf scale, offset;
    const std::byte* levels;
  };
  template <int kRun>
  SPATE_INLINE void Begin(State& state, const std::byte* unit, int slice) {
    if constexpr (kRun == 0) SetScaleMin(state, unit, slice);
    state.levels = ByteAt(unit, 16 + slice / 2 * 32 + 16 * kRun);
  }
  template <int kVariant, int kRun>
  SPATE_INLINE Vi Level(const State& state, int i) {
    return Nibble<kVariant == 1>(LoadU8(ByteAt(state.levels, i)));
  }
};

struct Q5KFormat {
  static constexpr int kSlices = 8, kBlockBytes = 176, kVariants = 2, kPeriod = 2;
  struct State {
    Vf scale, offset;
    const std::byte* levels;
    const std::byte* high;
    int shift;
  };
  template <int kRun>
  SPATE_INLINE void Begin(State& state, const std::byte* unit, int slice) {
    if constexpr (kRun == 0) SetScaleMin(state, unit, slice);
    state.levels = ByteAt(unit, 48 + slice / 2 * 32 + 16 * kRun);
    state.high = ByteAt(unit, 16 + 16 * kRun);
    state.shift = slice;
  }
  template <int kVariant, int kRun>
  SPATE_INLINE Vi Level(const State& state, int i) {
    const Vi fifth = ShiftRight(ShiftLeft<4>(LoadU8(ByteAt(state.high, i))), state.shift) & SetI(0x10);
    return Nibble<kVariant == 1>(LoadU8(ByteAt(state.levels, i))) | fifth;
  }
};

// Half a block is four slices: two of low nibbles, two of high ones, of the same 64 bytes.
struct Q6KFormat {
  static constexpr int kSlices = 8, kBlockBytes = 210, kVariants = 2, kPeriod = 4;
  struct State {
    Vf scale, offset;
    const std::byte* levels;
    const std::byte* high;
    int shift;
  };
  template <int kRun>
  SPATE_INLINE void Begin(State& state, const std::byte* unit, int slice) {
    const int half = slice / 4, plane = slice % 4;
    state.scale = LoadF16(ByteAt(unit, 208)) * ToFloat(LoadI8(ByteAt(unit, 192 + 2 * slice + kRun)));
    state.offset = state.scale * Set(-32.0f);
    state.levels = ByteAt(unit, 64 * half + plane % 2 * 32 + 16 * kRun);
    state.high = ByteAt(unit, 128 + 32 * half + 16 * kRun);
    state.shift = 2 * plane;
  }
  template <int kVariant, int kRun>
  SPATE_INLINE Vi Level(const State& state, int i) {
    const Vi top = ShiftRight(ShiftLeft<4>(LoadU8(ByteAt(state.high, i))), state.shift) & SetI(0x30);
    return Nibble<kVariant == 1>(LoadU8(ByteAt(state.levels, i))) | top;
  }
};

}  // namespace spate::cpu::SPATE_ISA_NS
