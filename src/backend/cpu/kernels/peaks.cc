// Loops that measure what the machine can reach: reading memory, and the arithmetic units from registers alone.
#include "backend/cpu/kernels/fill.h"
#include "backend/cpu/kernels/vec.h"

namespace spate::cpu::SPATE_ISA_NS {
namespace {

// Four accumulators hide the latency; combined by or, since sums of signed lanes may overflow. One ascending stream is
// what hardware prefetchers like best.
uint64_t Read(const std::byte* data, size_t bytes) {
  Vi sum[4] = {};
  size_t i = 0;
  for (; i + 256 <= bytes; i += 256) {
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; ++j) sum[j] = sum[j] | LoadI(data + i + 64 * j);
  }
  alignas(64) uint32_t lanes[kLanes];
  StoreI(lanes, sum[0] | sum[1] | sum[2] | sum[3]);
  uint64_t total = 0;
  for (const uint32_t lane : lanes) total += lane;
  for (; i < bytes; ++i) total += static_cast<uint64_t>(data[i]);
  return total;
}

// Independent accumulators, each used once a round: more than latency times throughput of any unit, and with the
// with the operands they fit into the registers.
constexpr int kChains = kChunks == 1 ? 24 : 12;

// step(accumulator) is one multiply-add, `ops_per_chunk` its operations. Every index is a constant, or the accumulators
// would live in memory.
template <class Step>
SPATE_INLINE double Spin(int64_t rounds, float* sink, int ops_per_chunk, Step step) {
  ChunkF acc[kChains];
#pragma GCC unroll 32
  for (int c = 0; c < kChains; ++c) {
    acc[c] = ChunkF{} + *sink;
    asm volatile("" : "+v"(acc[c]));  // might differ: chains must not be merged
  }
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 32
    for (int c = 0; c < kChains; ++c) acc[c] = step(acc[c]);
  }
  ChunkF total = acc[0];
#pragma GCC unroll 32
  for (int c = 1; c < kChains; ++c) total += acc[c];
  float lanes[kChunkLanes];
  std::memcpy(lanes, &total, sizeof(total));
  for (const float lane : lanes) *sink += lane;
  return static_cast<double>(rounds) * kChains * ops_per_chunk;
}

double F32(int64_t rounds, float* sink) {
  ChunkF x = ChunkF{} + 0.5f, y = ChunkF{} + 0.25f;
  asm volatile("" : "+v"(x), "+v"(y));  // not constants: nothing can be folded
  return Spin(rounds, sink, 2 * kChunkLanes, [&](ChunkF acc) SPATE_LAMBDA -> ChunkF {
#if defined(__AVX512F__)
    return _mm512_fmadd_ps(acc, x, y);
#elif defined(__FMA__)
    return _mm256_fmadd_ps(acc, x, y);
#else
    return acc * x + y;
#endif
  });
}

#if defined(__AVX512BF16__)
double Bf16(int64_t rounds, float* sink) {
  __m512i bits = _mm512_set1_epi32(0x3f803f80);
  asm volatile("" : "+v"(bits));
  return Spin(rounds, sink, 4 * kChunkLanes,
              [&](ChunkF acc) SPATE_LAMBDA -> ChunkF { return _mm512_dpbf16_ps(acc, (__m512bh)bits, (__m512bh)bits); });
}
#endif

#if defined(__AVX512VNNI__)
double Int8(int64_t rounds, float* sink) {
  __m512i bits = _mm512_set1_epi32(0x01010101);
  asm volatile("" : "+v"(bits));
  return Spin(rounds, sink, 8 * kChunkLanes, [&](ChunkF acc) SPATE_LAMBDA -> ChunkF {
    return _mm512_castsi512_ps(_mm512_dpbusd_epi32(_mm512_castps_si512(acc), bits, bits));
  });
}
#endif

}  // namespace

void FillPeaks(PeakKernels& kernels) {
  kernels.read = Read;
  kernels.f32 = F32;
#if defined(__AVX512BF16__)
  kernels.bf16 = Bf16;
#endif
#if defined(__AVX512VNNI__)
  kernels.int8 = Int8;
#endif
}

}  // namespace spate::cpu::SPATE_ISA_NS
