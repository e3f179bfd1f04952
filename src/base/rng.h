// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"): random numbers as a pure
// function of key and counter. No state, so the result cannot depend on batch slots, threads or order.
// `static inline` and plain arrays inside, for files of several instruction sets (see base/half.h).
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace spate {

struct PhiloxBlock {
  uint32_t words[4];
};

[[maybe_unused]] static inline PhiloxBlock PhiloxAt(PhiloxBlock counter, uint32_t key0, uint32_t key1) {
  uint32_t c0 = counter.words[0], c1 = counter.words[1], c2 = counter.words[2], c3 = counter.words[3];
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53u} * c0;
    const uint64_t product1 = uint64_t{0xCD9E8D57u} * c2;
    c0 = static_cast<uint32_t>(product1 >> 32) ^ c1 ^ key0;
    c1 = static_cast<uint32_t>(product1);
    c2 = static_cast<uint32_t>(product0 >> 32) ^ c3 ^ key1;
    c3 = static_cast<uint32_t>(product0);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

[[maybe_unused]] static inline std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter,
                                                                  std::array<uint32_t, 2> key) {
  const PhiloxBlock block = PhiloxAt({{counter[0], counter[1], counter[2], counter[3]}}, key[0], key[1]);
  return {block.words[0], block.words[1], block.words[2], block.words[3]};
}

// In [0, 1), a multiple of 2^-24. `choice`: which of a request's n answers; `position`: of the token that is drawn;
// `lane`: which number, where one position needs several.
[[maybe_unused]] static inline float UniformAt(uint64_t seed, uint32_t choice, uint64_t position, uint32_t lane) {
  const PhiloxBlock block =
      PhiloxAt({{static_cast<uint32_t>(position), static_cast<uint32_t>(position >> 32), choice, lane >> 2}},
               static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32));
  return static_cast<float>(block.words[lane & 3u] >> 8) * 0x1p-24f;
}

// out[i] = element first_index + i of the normal sequence (seed, stream), times `std`. However a range is split into
// calls, the elements are the same; no libm inside, so they are also the same on every machine. |value| < 6 std.
void FillGaussian(uint64_t seed, uint64_t stream, uint64_t first_index, std::span<float> out, float std);

}  // namespace spate
