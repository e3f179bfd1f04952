#include "base/rng.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/half.h"

namespace spate {
namespace {

// Keeps the normal sequences apart from UniformAt's numbers of the same seed.
constexpr uint64_t kGaussianDomain = 0x67617573736961ull;

constexpr int kBatchBlocks = 64;  // blocks of four; the loops over a batch are written to be vectorised

struct Batch {
  uint32_t words[4][kBatchBlocks];
};

// ln(u * 2^-24) for u in [1, 2^24]: exponent, and a series in s = (m - 1) / (m + 1), |s| <= 0.172, error below 1e-9
// before rounding.
inline float LogOfFraction(uint32_t u) {
  const uint32_t bits = FloatBits(static_cast<float>(u) * 0x1p-24f);
  const uint32_t shifted = bits - 0x3f3504f3u;  // sqrt(1/2): m falls into [sqrt(1/2), sqrt(2))
  const float exponent = static_cast<float>(static_cast<int32_t>(shifted) >> 23);
  const float m = FloatFromBits((shifted & 0x007fffffu) + 0x3f3504f3u);
  const float s = (m - 1.0f) / (m + 1.0f);
  const float z = s * s;
  const float series = 2.0f + z * (0.66666667f + z * (0.4f + z * (0.28571429f + z * 0.22222222f)));
  return exponent * 0.69314718f + s * series;
}

// cos and sin of 2 pi * turns * 2^-32: quadrant in the top bits, Taylor series within +-pi/4.
inline void CosSin(uint32_t turns, float& cosine, float& sine) {
  const uint32_t quadrant = (turns + 0x20000000u) >> 30;
  const int32_t rest = static_cast<int32_t>(turns - (quadrant << 30));
  const float x = static_cast<float>(rest) * (6.2831853f * 0x1p-32f);
  const float z = x * x;
  const float s = x * (1.0f + z * (-0.16666667f + z * (0.0083333333f + z * (-0.00019841270f + z * 2.7557319e-6f))));
  const float c = 1.0f + z * (-0.5f + z * (0.041666667f + z * (-0.0013888889f + z * 2.4801587e-5f)));
  const uint32_t swap = 0u - (quadrant & 1u);
  const uint32_t s_bits = FloatBits(s);
  const uint32_t c_bits = FloatBits(c);
  const uint32_t cosine_sign = ((quadrant + 1u) & 2u) << 30;  // quadrants 1 and 2
  const uint32_t sine_sign = (quadrant & 2u) << 30;           // quadrants 2 and 3
  cosine = FloatFromBits(((c_bits & ~swap) | (s_bits & swap)) ^ cosine_sign);
  sine = FloatFromBits(((s_bits & ~swap) | (c_bits & swap)) ^ sine_sign);
}

void RandomBatch(uint64_t seed, uint64_t stream, uint64_t first_block, int blocks, Batch& batch) {
  const uint64_t key = seed ^ kGaussianDomain;
  for (int i = 0; i < blocks; ++i) {
    const uint64_t block = first_block + static_cast<uint64_t>(i);
    const PhiloxBlock words = PhiloxAt({{static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                                         static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)}},
                                       static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32));
    for (int w = 0; w < 4; ++w) batch.words[w][i] = words.words[w];
  }
}

// Box-Muller on the pairs (0, 1) and (2, 3) of each block.
void NormalBatch(const Batch& batch, int blocks, float std, float* out) {
  for (int pair = 0; pair < 2; ++pair) {
    for (int i = 0; i < blocks; ++i) {
      const float log = LogOfFraction((batch.words[2 * pair][i] >> 8) + 1u);
      const float radius = std * std::sqrt(-2.0f * log);
      float cosine = 0;
      float sine = 0;
      CosSin(batch.words[2 * pair + 1][i], cosine, sine);
      out[4 * i + 2 * pair] = radius * cosine;
      out[4 * i + 2 * pair + 1] = radius * sine;
    }
  }
}

}  // namespace

void FillGaussian(uint64_t seed, uint64_t stream, uint64_t first_index, std::span<float> out, float std) {
  Batch batch;
  float values[4 * kBatchBlocks];
  size_t done = 0;
  while (done < out.size()) {
    const uint64_t index = first_index + done;
    const size_t skip = static_cast<size_t>(index & 3u);  // a range may begin within a block
    const size_t count = std::min(out.size() - done, sizeof(values) / sizeof(float) - skip);
    const int blocks = static_cast<int>((skip + count + 3) / 4);
    RandomBatch(seed, stream, index >> 2, blocks, batch);
    NormalBatch(batch, blocks, std, values);
    std::memcpy(out.data() + done, values + skip, count * sizeof(float));
    done += count;
  }
}

}  // namespace spate
