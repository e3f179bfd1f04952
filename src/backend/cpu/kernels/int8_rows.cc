// Activations to int8 as quant/int8_group.h defines it, in the layout of linear_kernels.h.
#include "backend/cpu/kernels/fill.h"
#include "backend/cpu/kernels/vec.h"
#include "quant/int8_group.h"

namespace spate::cpu::SPATE_ISA_NS {
namespace {

static_assert(kInt8Group == 2 * kLanes && Int8Layout::kScale == kInt8Group);

SPATE_INLINE Vi MaxI(Vi a, Vi b) {
  return Map<Vi>([](ChunkI x, ChunkI y) SPATE_LAMBDA -> ChunkI { return x > y ? x : y; }, a, b);
}
SPATE_INLINE int32_t ReduceMaxI(Vi v) {
#if defined(__AVX512F__)
  return _mm512_reduce_max_epi32(reinterpret_cast<__m512i>(v.c0));
#else
  alignas(64) int32_t lanes[kLanes];
  StoreI(lanes, v);
  int32_t largest = lanes[0];
  for (const int32_t lane : lanes) largest = lane > largest ? lane : largest;
  return largest;
#endif
}
SPATE_INLINE int32_t ReduceAddI(Vi v) {
#if defined(__AVX512F__)
  return _mm512_reduce_add_epi32(reinterpret_cast<__m512i>(v.c0));
#else
  alignas(64) int32_t lanes[kLanes];
  StoreI(lanes, v);
  int32_t sum = 0;
  for (const int32_t lane : lanes) sum += lane;
  return sum;
#endif
}
// The low byte of each lane.
SPATE_INLINE void StoreLowBytes(std::byte* p, Vi v) {
#if defined(__AVX512F__)
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(reinterpret_cast<__m512i>(v.c0)));
#else
  alignas(64) int32_t lanes[kLanes];
  StoreI(lanes, v);
  for (int i = 0; i < kLanes; ++i) p[i] = static_cast<std::byte>(lanes[i] & 0xff);
#endif
}

void QuantizeGroup(const float* x, std::byte* out) {
  const Vf first = Load(x), second = Load(x + kLanes);
  // The bits of magnitudes are in their order, above them infinity and NaN.
  const int32_t bits = ReduceMaxI(MaxI(FloatToBits(Abs(first)), FloatToBits(Abs(second))));
  float largest;
  std::memcpy(&largest, &bits, sizeof(largest));
  const float scale = largest / 127;
  const auto put = [&](int at, float value) { std::memcpy(out + at, &value, sizeof(value)); };
  Vi levels[2] = {};
  if (largest >= 1e-30f && bits < 0x7f800000) {
    const Vf inverse = Set(127 / largest);
    levels[0] = Round(first * inverse).integer;
    levels[1] = Round(second * inverse).integer;
  }
  int32_t sums[2];
  for (int half = 0; half < 2; ++half) {
    StoreLowBytes(out + half * kLanes, levels[half]);
    sums[half] = ReduceAddI(levels[half]);
  }
  const int32_t sum = sums[0] + sums[1];
  put(Int8Layout::kScale, scale);
  put(Int8Layout::kScaledSum, scale * static_cast<float>(sum));
  put(Int8Layout::kZero8, static_cast<float>(Int8Layout::kFloatZero + 8 * sum));
  put(Int8Layout::kZero128, static_cast<float>(Int8Layout::kFloatZero + 128 * sum));
  put(Int8Layout::kZero32, static_cast<float>(Int8Layout::kFloatZero + 32 * sums[0]));
  put(Int8Layout::kZero32 + 4, static_cast<float>(Int8Layout::kFloatZero + 32 * sums[1]));
}

void ToInt8(const float* x, int64_t k, std::byte* out) {
  for (int64_t i = 0; i < k; i += kInt8Group) {
    QuantizeGroup(x + i, out);
    out += Int8Layout::kGroupBytes;
  }
}

}  // namespace

void FillInt8Rows(LinearKernels& kernels) { kernels.to_int8 = ToInt8; }

}  // namespace spate::cpu::SPATE_ISA_NS
