#include "tokenizer/unicode.h"

#include <utf8proc.h>

#include <map>

namespace spate {
namespace {

uint8_t TraitsOf(uint32_t c) {
  if (c == '\r' || c == '\n') return kNewline;
  if (IsWhitespace(c)) return kSpace;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT:
      return uint8_t{kLetter} | kUpperBit;
    case UTF8PROC_CATEGORY_LL:
      return uint8_t{kLetter} | kLowerBit;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return kLetter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return kNumber;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return kMarkBit;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO:
      return kPunctuationBit;
    default:
      return kOther;
  }
}

}  // namespace

CharTable::CharTable() {
  std::map<std::array<uint8_t, kBlock>, uint16_t> known;
  for (uint32_t block = 0; block < kCovered / kBlock; ++block) {
    std::array<uint8_t, kBlock> traits;
    for (uint32_t i = 0; i < kBlock; ++i) traits[i] = TraitsOf(block * kBlock + i);
    const auto [place, is_new] = known.emplace(traits, static_cast<uint16_t>(known.size()));
    if (is_new) blocks_.insert(blocks_.end(), traits.begin(), traits.end());
    block_of_[block] = place->second;
  }
}

const CharTable& CharTable::Get() {
  static const CharTable table;
  return table;
}

uint8_t CharTable::Beyond(uint32_t c) { return TraitsOf(c); }

bool IsWhitespace(uint32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13);
  if (c < 0x1680) return c == 0x85 || c == 0xA0;
  return c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool IsMark(uint32_t c) { return (CharTable::Get()[c] & kMarkBit) != 0; }

bool IsWordCharacter(uint32_t c) {
  if (ClassOf(c) == kLetter || IsMark(c)) return true;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      break;
  }
  // Join_Control, and the only alphabetic characters that are neither letters nor marks nor numbers: circled and
  // squared letters.
  return c == 0x200C || c == 0x200D || (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
         (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
}

uint32_t SimpleLowercase(uint32_t c) {
  if (c < 128) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  return static_cast<uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}

}  // namespace spate
