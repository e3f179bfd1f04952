// Blocks of any block format with random levels and finite scales, for tests: no writer is needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "base/half.h"
#include "base/rng.h"
#include "quant/dtype.h"

namespace spate {

// An f16 of a block: where, and the largest number that it multiplies.
struct BlockScale {
  size_t at;
  float largest;
};

inline std::vector<BlockScale> BlockScales(DType format) {
  switch (format) {
    case DType::kQ4_0:
      return {{0, 8}};
    case DType::kQ4_1:
      return {{0, 15}, {2, 1}};
    case DType::kQ5_0:
      return {{0, 16}};
    case DType::kQ5_1:
      return {{0, 31}, {2, 1}};
    case DType::kQ8_0:
    case DType::kIQ4_NL:
      return {{0, 128}};
    case DType::kQ2_K:
      return {{80, 15 * 3}, {82, 15}};
    case DType::kQ3_K:
      return {{108, 32 * 4}};
    case DType::kQ4_K:
      return {{0, 63 * 15}, {2, 63}};
    case DType::kQ5_K:
      return {{0, 63 * 31}, {2, 63}};
    case DType::kQ6_K:
      return {{208, 128 * 32}};
    case DType::kIQ4_XS:
      return {{0, 32 * 127}};
    default:
      CHECK(false, "{} has no blocks", Name(format));
  }
}

// The largest weights that a block could have are 0.5 to 1 times `scale`, of either sign.
inline std::vector<std::byte> RandomBlocks(DType format, size_t blocks, uint64_t seed, float scale) {
  const size_t size = static_cast<size_t>(Traits(format).block_bytes);
  std::vector<std::byte> bytes(blocks * size);
  uint32_t count = 0;
  const auto next = [&] {
    return Philox4x32({count++, 0, 0, 0}, {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)})[0];
  };
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(next() & 0xff);
  for (size_t b = 0; b < blocks; ++b) {
    for (const BlockScale& field : BlockScales(format)) {
      const uint32_t random = next();
      const float magnitude = scale / field.largest * (0.5f + 0.5f * static_cast<float>(random >> 8) * 0x1p-24f);
      const uint16_t bits = ToF16((random & 1) != 0 ? magnitude : -magnitude).bits;
      bytes[b * size + field.at] = static_cast<std::byte>(bits & 0xff);
      bytes[b * size + field.at + 1] = static_cast<std::byte>(bits >> 8);
    }
  }
  return bytes;
}

}  // namespace spate
