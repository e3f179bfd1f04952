#include "backend/cpu/block_units.h"

#include <cstring>

#include "base/check.h"

namespace spate::cpu {
namespace {

static_assert(kTileRows == 16);
typedef uint8_t Bytes16 __attribute__((vector_size(16)));

// Bytes of a block that are f16.
struct Halves {
  int begin, end;
};

Halves HalvesOf(DType format) {
  switch (format) {
    case DType::kQ4_0:
    case DType::kQ8_0:
      return {0, 2};
    case DType::kQ4_K:
    case DType::kQ5_K:
      return {0, 4};
    case DType::kQ6_K:
      return {208, 210};
    default:
      CHECK(false, "{} is not packed in blocks", Name(format));
  }
}

// 16 bytes of 16 rows to columns. Each round puts together what is twice as wide: of rows r and r + 8 the bytes take
// turns, and after four rounds every byte has met those of all other rows.
void Transpose16(const std::byte* const* rows, int64_t offset, std::byte* out) {
  Bytes16 a[16], b[16];
  for (int r = 0; r < 16; ++r) std::memcpy(&a[r], rows[r] + offset, 16);
  const auto round = [](const Bytes16* from, Bytes16* to) {
    for (int r = 0; r < 8; ++r) {
      const Bytes16 x = from[r], y = from[r + 8];
      to[2 * r] = __builtin_shufflevector(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      to[2 * r + 1] = __builtin_shufflevector(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
  };
  round(a, b);
  round(b, a);
  round(a, b);
  round(b, a);
  std::memcpy(out, a, sizeof(a));
}

void InterleaveBytes(const std::byte* const* rows, int64_t begin, int64_t end, std::byte* unit) {
  int64_t i = begin;
  for (; i + 16 <= end; i += 16) Transpose16(rows, i, unit + i * kTileRows);
  for (; i < end; ++i) {
    for (int r = 0; r < kTileRows; ++r) unit[i * kTileRows + r] = rows[r][i];
  }
}

}  // namespace

void InterleaveBlocks(DType format, const std::byte* const* rows, int64_t blocks, std::byte* out, int64_t step_bytes) {
  const Halves halves = HalvesOf(format);
  const int64_t bytes = Traits(format).block_bytes;
  for (int64_t b = 0; b < blocks; ++b) {
    const std::byte* at[kTileRows];
    for (int r = 0; r < kTileRows; ++r) at[r] = rows[r] + b * bytes;
    std::byte* unit = out + b * step_bytes;
    InterleaveBytes(at, 0, halves.begin, unit);
    for (int i = halves.begin; i < halves.end; i += 2) {
      for (int r = 0; r < kTileRows; ++r) std::memcpy(unit + i * kTileRows + 2 * r, at[r] + i, 2);
    }
    InterleaveBytes(at, halves.end, bytes, unit);
  }
}

void TakeBlock(DType format, const std::byte* unit, int lane, std::byte* block) {
  const Halves halves = HalvesOf(format);
  const int bytes = Traits(format).block_bytes;
  CHECK(bytes <= kMaxBlockBytes);
  for (int i = 0; i < bytes; ++i) block[i] = unit[i * kTileRows + lane];
  for (int i = halves.begin; i < halves.end; i += 2) std::memcpy(block + i, unit + i * kTileRows + 2 * lane, 2);
}

}  // namespace spate::cpu
