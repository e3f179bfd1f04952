#include "tokenizer/byte_alphabet.h"

#include <array>
#include <cstdint>

#include "base/utf8.h"
#include "tokenizer/unicode.h"

namespace spate {
namespace {

// Printable Latin-1 bytes stand for themselves, the 68 others for U+0100 and up, in order.
constexpr bool IsPrintable(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr size_t kCharacters = 256 + 68;

struct Alphabet {
  std::array<uint16_t, 256> character{};          // [byte]
  std::array<int16_t, kCharacters> byte_of = {};  // [code point], -1: not in the alphabet
};

constexpr Alphabet MakeAlphabet() {
  Alphabet a;
  for (int16_t& b : a.byte_of) b = -1;
  uint16_t next = 256;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const uint16_t c = IsPrintable(byte) ? static_cast<uint16_t>(byte) : next++;
    a.character[byte] = c;
    a.byte_of[c] = static_cast<int16_t>(byte);
  }
  return a;
}

constexpr Alphabet kAlphabet = MakeAlphabet();

}  // namespace

std::string SpellBytes(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 4);
  for (const char c : bytes) AppendUtf8(out, static_cast<char32_t>(kAlphabet.character[static_cast<unsigned char>(c)]));
  return out;
}

bool UnspellBytes(std::string_view text, std::string* bytes) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = ReadCodePoint(text, at);
    if (c.value >= kCharacters || kAlphabet.byte_of[c.value] < 0) return false;
    out.push_back(static_cast<char>(kAlphabet.byte_of[c.value]));
    at += c.bytes;
  }
  *bytes = std::move(out);
  return true;
}

}  // namespace spate
