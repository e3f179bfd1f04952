// Code points: reading them from text that is known to be valid UTF-8, and the character classes that pre-tokenizers
// ask for. Pure functions. (base/utf8.h is for text that may be invalid.)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace spate {

struct CodePoint {
  uint32_t value;
  uint32_t bytes;  // 1 to 4
};

// Reads the character at `at`, which must be the start of one.
inline CodePoint ReadCodePoint(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[at + i])); };
  const uint32_t b0 = byte(0);
  if (b0 < 0x80) return {b0, 1};
  if (b0 < 0xE0) return {(b0 & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (b0 < 0xF0) return {(b0 & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(b0 & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
}

// The character that ends right before `end` > 0.
inline CodePoint ReadCodePointBefore(std::string_view text, size_t end) {
  size_t at = end - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return ReadCodePoint(text, at);
}

// Classes by Unicode general category (utf8proc).
enum CharClass : uint8_t {
  kOther = 0,
  kLetter = 1,   // \p{L}
  kNumber = 2,   // \p{N}
  kSpace = 3,    // White_Space, without CR and LF
  kNewline = 4,  // CR and LF
};

// A character's traits: its class and, as bits, finer categories.
inline constexpr uint8_t kClassBits = 7;
inline constexpr uint8_t kUpperBit = 8;         // \p{Lu}, \p{Lt}
inline constexpr uint8_t kLowerBit = 16;        // \p{Ll}; letters that are neither are \p{Lm}, \p{Lo}
inline constexpr uint8_t kMarkBit = 32;         // \p{M}
inline constexpr uint8_t kPunctuationBit = 64;  // \p{P}, \p{S}

// The traits of all characters, made once at the first use. Thread-safe.
class CharTable {
 public:
  static const CharTable& Get();
  uint8_t operator[](uint32_t code_point) const {
    if (code_point >= kCovered) return Beyond(code_point);
    return blocks_[static_cast<size_t>(block_of_[code_point / kBlock]) * kBlock + code_point % kBlock];
  }
  CharClass ClassOf(uint32_t code_point) const { return static_cast<CharClass>((*this)[code_point] & kClassBits); }

 private:
  // Two planes: further ones hold rare ideographs.
  static constexpr uint32_t kCovered = 0x20000;
  static constexpr uint32_t kBlock = 256;
  CharTable();
  static uint8_t Beyond(uint32_t code_point);

  std::array<uint16_t, kCovered / kBlock> block_of_{};
  std::vector<uint8_t> blocks_;  // [distinct blocks, kBlock]
};

inline CharClass ClassOf(uint32_t code_point) { return CharTable::Get().ClassOf(code_point); }

bool IsWhitespace(uint32_t code_point);     // the White_Space property: \s
bool IsWordCharacter(uint32_t code_point);  // \w: alphabetic, mark, decimal number, connector, joiner
bool IsMark(uint32_t code_point);           // \p{M}
uint32_t SimpleLowercase(uint32_t code_point);

}  // namespace spate
