#include "backend/cpu/block_units.h"

#include <cstring>

#include "base/check.h"

namespace spate::cpu {
namespace {

constexpr int kMaxWords = 52;  // of 4 bytes, of a row's part of a unit, but for its f16 numbers
constexpr int kGroups = 8;     // of the K formats

// What a row contributes to a unit: f16 numbers, then words.
struct RowParts {
  int halves = 0, words = 0;
  uint16_t half[2];
  uint32_t word[kMaxWords];
};

// Sizes alone.
RowParts PartsOf(DType format) {
  switch (format) {
    case DType::kQ4_0:
      return {1, 4, {}, {}};
    case DType::kQ8_0:
      return {1, 8, {}, {}};
    case DType::kQ4_K:
      return {2, 3 + kGroups * 4, {}, {}};
    case DType::kQ5_K:
      return {2, 3 + kGroups * 5, {}, {}};
    case DType::kQ6_K:
      return {1, 4 + kGroups * 6, {}, {}};
    default:
      CHECK(false, "{} is not packed in blocks", Name(format));
  }
}

uint32_t Word(const std::byte* p) {
  uint32_t word;
  std::memcpy(&word, p, sizeof(word));
  return word;
}
void SetWord(std::byte* p, uint32_t word) { std::memcpy(p, &word, sizeof(word)); }

// Nibbles of 32 k: the bytes from `low` on have k 0 ... 15 and those from `high` on k 16 ... 31, so many bits up.
struct NibbleSource {
  int low, high;  // offsets in the block
  int low_shift, high_shift;
};
void GatherNibbles(const std::byte* block, const NibbleSource& from, uint32_t* words) {
  for (int v = 0; v < 4; ++v) {
    const std::byte* at = block + (v < 2 ? from.low + 8 * v : from.high + 8 * (v - 2));
    uint64_t bytes;
    std::memcpy(&bytes, at, sizeof(bytes));
    bytes = bytes >> (v < 2 ? from.low_shift : from.high_shift) & 0x0f0f0f0f0f0f0f0f;
    words[v] = static_cast<uint32_t>(bytes | bytes >> 28);  // the upper four become high nibbles
  }
}
// Into bytes whose nibbles are zero.
void ScatterNibbles(std::byte* block, const NibbleSource& to, const uint32_t* words) {
  constexpr uint32_t kLow = 0x0f0f0f0f;
  for (int v = 0; v < 4; ++v) {
    std::byte* at = block + (v < 2 ? to.low + 8 * v : to.high + 8 * (v - 2));
    const int shift = v < 2 ? to.low_shift : to.high_shift;
    SetWord(at, Word(at) | (words[v] & kLow) << shift);
    SetWord(at + 4, Word(at + 4) | (words[v] >> 4 & kLow) << shift);
  }
}

NibbleSource KNibbles(int levels, int group) {
  const int at = levels + group / 2 * 32, shift = group % 2 * 4;
  return {at, at + 16, shift, shift};
}
// Half a block of Q6_K: two groups of low nibbles, two of high ones, of the same 64 bytes.
NibbleSource Q6Nibbles(int group) {
  const int at = group / 4 * 64 + group % 2 * 32, shift = group % 4 / 2 * 4;
  return {at, at + 16, shift, shift};
}
constexpr NibbleSource kQ40Nibbles = {2, 2, 0, 4};
constexpr int kKScales = 4, kQ5High = 16, kQ5Levels = 48, kQ4Levels = 16;
constexpr int kQ6High = 128, kQ6Scales = 192, kQ6D = 208;
int Q6HighOf(int group) { return kQ6High + group / 4 * 32; }

void Gather(DType format, const std::byte* block, RowParts& row) {
  uint32_t* word = row.word;
  std::memcpy(row.half, block + (format == DType::kQ6_K ? kQ6D : 0), 2 * static_cast<size_t>(row.halves));
  switch (format) {
    case DType::kQ4_0:
      return GatherNibbles(block, kQ40Nibbles, word);
    case DType::kQ8_0:
      std::memcpy(word, block + 2, 32);
      return;
    case DType::kQ4_K:
      std::memcpy(word, block + kKScales, 12);
      word += 3;
      for (int g = 0; g < kGroups; ++g, word += 4) GatherNibbles(block, KNibbles(kQ4Levels, g), word);
      return;
    case DType::kQ5_K:
      std::memcpy(word, block + kKScales, 12);
      word += 3;
      for (int g = 0; g < kGroups; ++g, word += 5) {
        GatherNibbles(block, KNibbles(kQ5Levels, g), word);
        word[4] = 0;
        for (int v = 0; v < 8; ++v) word[4] |= (Word(block + kQ5High + 4 * v) >> g & 0x01010101u) << v;
      }
      return;
    default:
      std::memcpy(word, block + kQ6Scales, 16);
      word += 4;
      for (int g = 0; g < kGroups; ++g, word += 6) {
        GatherNibbles(block, Q6Nibbles(g), word);
        word[4] = word[5] = 0;
        for (int v = 0; v < 8; ++v) {
          word[4 + v / 4] |= (Word(block + Q6HighOf(g) + 4 * v) >> 2 * (g % 4) & 0x03030303u) << 2 * (v % 4);
        }
      }
  }
}

void Scatter(DType format, const RowParts& row, std::byte* block) {
  const uint32_t* word = row.word;
  std::memset(block, 0, static_cast<size_t>(Traits(format).block_bytes));
  std::memcpy(block + (format == DType::kQ6_K ? kQ6D : 0), row.half, 2 * static_cast<size_t>(row.halves));
  switch (format) {
    case DType::kQ4_0:
      return ScatterNibbles(block, kQ40Nibbles, word);
    case DType::kQ8_0:
      std::memcpy(block + 2, word, 32);
      return;
    case DType::kQ4_K:
      std::memcpy(block + kKScales, word, 12);
      word += 3;
      for (int g = 0; g < kGroups; ++g, word += 4) ScatterNibbles(block, KNibbles(kQ4Levels, g), word);
      return;
    case DType::kQ5_K:
      std::memcpy(block + kKScales, word, 12);
      word += 3;
      for (int g = 0; g < kGroups; ++g, word += 5) {
        ScatterNibbles(block, KNibbles(kQ5Levels, g), word);
        for (int v = 0; v < 8; ++v) {
          std::byte* at = block + kQ5High + 4 * v;
          SetWord(at, Word(at) | (word[4] >> v & 0x01010101u) << g);
        }
      }
      return;
    default:
      std::memcpy(block + kQ6Scales, word, 16);
      word += 4;
      for (int g = 0; g < kGroups; ++g, word += 6) {
        ScatterNibbles(block, Q6Nibbles(g), word);
        for (int v = 0; v < 8; ++v) {
          std::byte* at = block + Q6HighOf(g) + 4 * v;
          SetWord(at, Word(at) | (word[4 + v / 4] >> 2 * (v % 4) & 0x03030303u) << 2 * (g % 4));
        }
      }
  }
}

}  // namespace

void InterleaveBlocks(DType format, const std::byte* const* rows, int64_t blocks, std::byte* out, int64_t step_bytes) {
  const int64_t bytes = Traits(format).block_bytes;
  RowParts row = PartsOf(format);
  for (int64_t b = 0; b < blocks; ++b) {
    std::byte* unit = out + b * step_bytes;
    for (int r = 0; r < kTileRows; ++r) {
      Gather(format, rows[r] + b * bytes, row);
      std::byte* to = unit;
      for (int i = 0; i < row.halves; ++i, to += 2 * kTileRows) std::memcpy(to + 2 * r, &row.half[i], 2);
      for (int i = 0; i < row.words; ++i, to += 4 * kTileRows) std::memcpy(to + 4 * r, &row.word[i], 4);
    }
  }
}

void TakeBlock(DType format, const std::byte* unit, int lane, std::byte* block) {
  CHECK(Traits(format).block_bytes <= kMaxBlockBytes);
  RowParts row = PartsOf(format);
  for (int i = 0; i < row.halves; ++i, unit += 2 * kTileRows) std::memcpy(&row.half[i], unit + 2 * lane, 2);
  for (int i = 0; i < row.words; ++i, unit += 4 * kTileRows) std::memcpy(&row.word[i], unit + 4 * lane, 4);
  Scatter(format, row, block);
}

}  // namespace spate::cpu
