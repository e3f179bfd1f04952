// Small unsigned integers packed into 32-bit little-endian words, the lowest bits first; 3-bit ones cross the bounds of
// words, 32 of them in three words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace spate {

inline uint32_t Word(const std::byte* words, int64_t index) {
  uint32_t word;
  std::memcpy(&word, words + index * 4, sizeof(word));
  return word;
}

// How many words `count` integers take.
inline int64_t PackedWords(int64_t count, int bits) { return (count * bits + 31) / 32; }

// Integer `index` of a sequence whose words are `stride` words apart.
inline uint32_t PackedInt(const std::byte* words, int64_t stride, int64_t index, int bits) {
  const int64_t bit = index * bits;
  const int64_t word = bit / 32;
  const int shift = static_cast<int>(bit % 32);
  uint32_t value = Word(words, word * stride) >> shift;
  if (shift + bits > 32) value |= Word(words, (word + 1) * stride) << (32 - shift);
  return value & ((1u << bits) - 1);
}

}  // namespace spate
