// Block formats to f32 tiles, a slice of 32 k at a time (quant/k_quants.cc and blocks_32.cc define the layouts). The
// bytes of 16 rows lie together, so a lane is a row and nothing is shuffled. Every weight is Fma(level, scale, offset)
// and has the bits of its definition: the product is exact there (quant/blocks.h), as is an offset that stands for a
// subtraction from the level.
#include "backend/cpu/kernels/fill.h"
#include "backend/cpu/kernels/vec.h"

namespace spate::cpu::SPATE_ISA_NS {
namespace {

// Bytes that a unit is fetched early: the buffer's reader keeps the processor from looking that far ahead itself.
constexpr int64_t kFetchAhead = 4096;

// Byte i of the 16 blocks.
SPATE_INLINE const std::byte* ByteAt(const std::byte* unit, int i) { return unit + i * kTileRows; }

// Nibbles of a byte: kHigh = 0 or 4.
template <int kShift>
SPATE_INLINE Vi Nibble(Vi bytes) {
  return kShift == 0 ? bytes & SetI(15) : ShiftRight<4>(bytes);
}

// level(i) for the 32 elements of a slice.
template <class Level>
SPATE_INLINE void Emit(const UnpackArgs& args, int begin, int end, Vf scale, Vf offset, Level level) {
  float* out = args.out + begin * args.out_stride;
#pragma GCC unroll 4
  for (int i = begin; i < end; ++i) {
    Store(out, Fma(ToFloat(level(i)), scale, offset));
    out += args.out_stride;
  }
}

// A slice reads its share of the unit; `bytes` of those far ahead are fetched meanwhile.
SPATE_INLINE void FetchAhead(const UnpackArgs& args, int bytes) {
  const std::byte* ahead = args.unit + args.slice * bytes + kFetchAhead;
  for (int i = 0; i < bytes; i += 64) __builtin_prefetch(ahead + i, 0, 3);
}

void UnpackQ4_0(const UnpackArgs& args) {
  FetchAhead(args, 18 * kTileRows);
  const Vf scale = LoadF16(args.unit);
  const Vf offset = scale * Set(-8.0f);
  const std::byte* qs = ByteAt(args.unit, 2);
  Emit(args, 0, 16, scale, offset, [&](int i) SPATE_LAMBDA { return Nibble<0>(LoadU8(ByteAt(qs, i))); });
  Emit(args, 16, 32, scale, offset, [&](int i) SPATE_LAMBDA { return Nibble<4>(LoadU8(ByteAt(qs, i - 16))); });
}

void UnpackQ8_0(const UnpackArgs& args) {
  FetchAhead(args, 34 * kTileRows);
  const std::byte* qs = ByteAt(args.unit, 2);
  Emit(args, 0, 32, LoadF16(args.unit), Zero(), [&](int i) SPATE_LAMBDA { return LoadI8(ByteAt(qs, i)); });
}

struct ScaleOffset {
  Vf scale, offset;
};

// Of sub-block j of Q4_K and Q5_K.
SPATE_INLINE ScaleOffset ScaleMinAt(const std::byte* unit, int j) {
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
  return {LoadF16(unit) * ToFloat(scale), Zero() - LoadF16(ByteAt(unit, 2)) * ToFloat(min)};
}

void UnpackQ4_K(const UnpackArgs& args) {
  FetchAhead(args, 18 * kTileRows);
  const ScaleOffset of = ScaleMinAt(args.unit, args.slice);
  const std::byte* qs = ByteAt(args.unit, 16 + args.slice / 2 * 32);
  if (args.slice % 2 == 0) {
    Emit(args, 0, 32, of.scale, of.offset, [&](int i) SPATE_LAMBDA { return Nibble<0>(LoadU8(ByteAt(qs, i))); });
  } else {
    Emit(args, 0, 32, of.scale, of.offset, [&](int i) SPATE_LAMBDA { return Nibble<4>(LoadU8(ByteAt(qs, i))); });
  }
}

void UnpackQ5_K(const UnpackArgs& args) {
  FetchAhead(args, 22 * kTileRows);
  const ScaleOffset of = ScaleMinAt(args.unit, args.slice);
  const std::byte* qs = ByteAt(args.unit, 48 + args.slice / 2 * 32);
  const std::byte* qh = ByteAt(args.unit, 16);
  const Vi fifth = SetI(16);
  const auto high = [&](int i)
                        SPATE_LAMBDA { return ShiftRight(ShiftLeft<4>(LoadU8(ByteAt(qh, i))), args.slice) & fifth; };
  if (args.slice % 2 == 0) {
    Emit(args, 0, 32, of.scale, of.offset,
         [&](int i) SPATE_LAMBDA { return Nibble<0>(LoadU8(ByteAt(qs, i))) | high(i); });
  } else {
    Emit(args, 0, 32, of.scale, of.offset,
         [&](int i) SPATE_LAMBDA { return Nibble<4>(LoadU8(ByteAt(qs, i))) | high(i); });
  }
}

void UnpackQ6_K(const UnpackArgs& args) {
  FetchAhead(args, 27 * kTileRows);
  const int half = args.slice / 4, plane = args.slice % 4;
  const std::byte* ql = ByteAt(args.unit, 64 * half + plane % 2 * 32);
  const std::byte* qh = ByteAt(args.unit, 128 + 32 * half);
  const Vf d = LoadF16(ByteAt(args.unit, 208));
  const Vi top = SetI(0x30);
  const auto high = [&](int i)
                        SPATE_LAMBDA { return ShiftRight(ShiftLeft<4>(LoadU8(ByteAt(qh, i))), 2 * plane) & top; };
  for (int begin = 0; begin < kSliceK; begin += 16) {
    const Vf scale = d * ToFloat(LoadI8(ByteAt(args.unit, 192 + 2 * args.slice + begin / 16)));
    const Vf offset = scale * Set(-32.0f);
    if (plane < 2) {
      Emit(args, begin, begin + 16, scale, offset,
           [&](int i) SPATE_LAMBDA { return Nibble<0>(LoadU8(ByteAt(ql, i))) | high(i); });
    } else {
      Emit(args, begin, begin + 16, scale, offset,
           [&](int i) SPATE_LAMBDA { return Nibble<4>(LoadU8(ByteAt(ql, i))) | high(i); });
    }
  }
}

void FillBlock(LinearKernels::Format& format, UnpackFn unpack) {
  FillF32InCache(format);
  format.unpack = unpack;
}

}  // namespace

void FillBlocks(LinearKernels& kernels) {
  FillBlock(kernels.q4_0, UnpackQ4_0);
  FillBlock(kernels.q8_0, UnpackQ8_0);
  FillBlock(kernels.q4_k, UnpackQ4_K);
  FillBlock(kernels.q5_k, UnpackQ5_K);
  FillBlock(kernels.q6_k, UnpackQ6_K);
}

}  // namespace spate::cpu::SPATE_ISA_NS
