// What surrounds the multiplication: activations to a kernel's format, epilogues, packing.
#include "backend/cpu/kernels/activations.h"
#include "backend/cpu/kernels/fill.h"
#include "backend/cpu/kernels/vec.h"

namespace spate::cpu::SPATE_ISA_NS {
namespace {

template <class StoreRow>
SPATE_INLINE void ConvertRow(const float* x, int64_t k, StoreRow store_row) {
  int64_t i = 0;
  for (; i + kLanes <= k; i += kLanes) store_row(i, Load(x + i), kLanes);
  // The zero after an odd k comes from LoadN.
  if (i < k) store_row(i, LoadN(x + i, static_cast<int>(k - i)), static_cast<int>((k - i + 1) & ~int64_t{1}));
}

void ToBf16(const float* x, int64_t k, uint16_t* out) {
  ConvertRow(x, k, [&](int64_t i, Vf v, int n) SPATE_LAMBDA {
    uint16_t half[kLanes];
#if defined(__AVX512BF16__)
    // Takes subnormals for zero, as vdpbf16ps does with what is stored here.
    const __m256bh rounded = _mm512_cvtneps_pbh(v.c0);
    std::memcpy(half, &rounded, sizeof(half));
#else
    StoreBf16(half, v);
#endif
    std::memcpy(out + i, half, static_cast<size_t>(n) * sizeof(uint16_t));
  });
}

void RoundRowToBf16(const float* x, int64_t k, float* out) {
  ConvertRow(x, k, [&](int64_t i, Vf v, int n) SPATE_LAMBDA { StoreN(out + i, BitsToFloat(RoundToBf16(v)), n); });
}

void F32ToBf16(const std::byte* source, int64_t count, uint16_t* out) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int64_t left = count - i;
    const size_t n = static_cast<size_t>(left < kLanes ? left : kLanes);
    alignas(64) float lanes[kLanes] = {};
    std::memcpy(lanes, source + i * 4, n * sizeof(float));
    uint16_t half[kLanes];
    StoreBf16(half, Load(lanes));
    std::memcpy(out + i, half, n * sizeof(uint16_t));
  }
}

// emit(result, out, n) for every vector of outputs. `Combine` makes a result of the vectors at acc (and bias).
template <int kVectorsIn, class Combine, class Emit>
SPATE_INLINE void Finish(const FinishArgs& args, Combine combine, Emit emit) {
  for (int token = 0; token < args.tokens; ++token) {
    const float* acc = args.acc + token * args.acc_stride;
    float* out = args.out + token * args.out_stride;
    int left = args.outputs;
    for (int tile = 0; tile + kVectorsIn <= args.tiles && left > 0; tile += kVectorsIn) {
      const Vf value = combine(acc + tile * kTileRows, args.bias == nullptr ? nullptr : args.bias + tile * kTileRows);
      emit(value, out, left < kLanes ? left : kLanes);
      out += kLanes;
      left -= kLanes;
    }
  }
}

SPATE_INLINE Vf WithBias(const float* acc, const float* bias) {
  return bias == nullptr ? Load(acc) : Load(acc) + Load(bias);
}

SPATE_INLINE void Put(Vf value, float* out, int n) {
  if (n == kLanes) {
    Store(out, value);
  } else {
    StoreN(out, value, n);
  }
}

// A scale of 1 leaves every bit as it is.
void FinishStore(const FinishArgs& args) {
  const Vf scale = Set(args.scale);
  Finish<1>(
      args, [&](const float* acc, const float* bias) SPATE_LAMBDA { return WithBias(acc, bias) * scale; }, Put);
}

void FinishAdd(const FinishArgs& args) {
  const Vf scale = Set(args.scale);
  Finish<1>(args, WithBias, [&](Vf value, float* out, int n) SPATE_LAMBDA {
    if (n == kLanes) {
      Store(out, Fma(value, scale, Load(out)));
    } else {
      StoreN(out, Fma(value, scale, LoadN(out, n)), n);
    }
  });
}

template <Act kAct>
void FinishAct(const FinishArgs& args) {
  Finish<1>(
      args, [](const float* acc, const float* bias) SPATE_LAMBDA { return Activate<kAct>(WithBias(acc, bias)); }, Put);
}

template <Act kAct>
void FinishGate(const FinishArgs& args) {
  Finish<2>(
      args,
      [](const float* acc, const float* bias) SPATE_LAMBDA {
        const Vf gate = WithBias(acc, bias);
        const Vf up = WithBias(acc + kTileRows, bias == nullptr ? nullptr : bias + kTileRows);
        return Activate<kAct>(gate) * up;
      },
      Put);
}

template <Act kAct>
void FillAct(LinearKernels& kernels) {
  kernels.act[static_cast<size_t>(kAct)] = FinishAct<kAct>;
  kernels.gate[static_cast<size_t>(kAct)] = FinishGate<kAct>;
}

template <class T>
SPATE_INLINE void Interleave(const std::byte* const* rows, int64_t count, T* out, int64_t stride) {
  for (int64_t i = 0; i < count; ++i) {
    for (int r = 0; r < kTileRows; ++r) std::memcpy(out + i * stride + r, rows[r] + i * int64_t{sizeof(T)}, sizeof(T));
  }
}

#if defined(__AVX512F__)
// 16 rows of 16 words to 16 columns, each stored past the caches: nobody reads packed weights soon. Four rounds double
// the width of what lies together: words, pairs, quarters and halves of a register.
SPATE_INLINE void StreamTransposed(const std::byte* const* rows, int64_t offset, uint32_t* out, int64_t stride) {
  __m512i a[16], b[16];
  for (int r = 0; r < 16; ++r) a[r] = _mm512_loadu_si512(rows[r] + offset);
  for (int r = 0; r < 16; r += 2) {
    b[r] = _mm512_unpacklo_epi32(a[r], a[r + 1]);
    b[r + 1] = _mm512_unpackhi_epi32(a[r], a[r + 1]);
  }
  for (int r = 0; r < 16; r += 4) {
    a[r] = _mm512_unpacklo_epi64(b[r], b[r + 2]);
    a[r + 1] = _mm512_unpackhi_epi64(b[r], b[r + 2]);
    a[r + 2] = _mm512_unpacklo_epi64(b[r + 1], b[r + 3]);
    a[r + 3] = _mm512_unpackhi_epi64(b[r + 1], b[r + 3]);
  }
  for (int half = 0; half < 16; half += 8) {
    for (int r = 0; r < 4; ++r) {
      b[half + r] = _mm512_shuffle_i32x4(a[half + r], a[half + r + 4], 0x88);
      b[half + r + 4] = _mm512_shuffle_i32x4(a[half + r], a[half + r + 4], 0xdd);
    }
  }
  for (int r = 0; r < 4; ++r) {
    a[r] = _mm512_shuffle_i32x4(b[r], b[r + 8], 0x88);
    a[r + 8] = _mm512_shuffle_i32x4(b[r], b[r + 8], 0xdd);
    a[r + 4] = _mm512_shuffle_i32x4(b[r + 4], b[r + 12], 0x88);
    a[r + 12] = _mm512_shuffle_i32x4(b[r + 4], b[r + 12], 0xdd);
  }
  for (int c = 0; c < 16; ++c) _mm512_stream_si512(reinterpret_cast<__m512i*>(out + c * stride), a[c]);
}
#endif

void InterleaveU32(const std::byte* const* rows, int64_t count, uint32_t* out, int64_t stride) {
#if defined(__AVX512F__)
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) StreamTransposed(rows, i * 4, out + i * stride, stride);
  _mm_sfence();
  const std::byte* rest[16];
  for (int r = 0; r < 16; ++r) rest[r] = rows[r] + i * 4;
  Interleave(rest, count - i, out + i * stride, stride);
#else
  Interleave(rows, count, out, stride);
#endif
}
void InterleaveU16(const std::byte* const* rows, int64_t count, uint16_t* out, int64_t stride) {
  Interleave(rows, count, out, stride);
}

}  // namespace

void FillLinear(LinearKernels& kernels) {
  FillF32(kernels.f32);
  FillF16(kernels.f16);
  FillBf16(kernels.bf16);
  FillBlocks(kernels);
  FillInt8Rows(kernels);
  kernels.to_bf16 = ToBf16;
  kernels.round_to_bf16 = RoundRowToBf16;
  kernels.store = FinishStore;
  kernels.add = FinishAdd;
  FillAct<Act::kSilu>(kernels);
  FillAct<Act::kGeluErf>(kernels);
  FillAct<Act::kGeluTanh>(kernels);
  FillAct<Act::kRelu>(kernels);
  FillAct<Act::kReluSquared>(kernels);
  kernels.interleave_u32 = InterleaveU32;
  kernels.interleave_u16 = InterleaveU16;
  kernels.f32_to_bf16 = F32ToBf16;
}

}  // namespace spate::cpu::SPATE_ISA_NS
