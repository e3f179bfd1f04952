#include "tokenizer/unicode.h"

#include <utf8proc.h>

namespace spate {
namespace {

constexpr uint8_t kL = kLetter, kN = kNumber, kS = kSpace, kR = kNewline;

}  // namespace

const uint8_t kAsciiClass[128] = {0,  0,  0,  0,  0,  0,  0,  0,  0,  kS, kR, kS, kS, kR, 0,  0,   // 09 to 0D
                                  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,   //
                                  kS, 0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,   // space
                                  kN, kN, kN, kN, kN, kN, kN, kN, kN, kN, 0,  0,  0,  0,  0,  0,   // 0 to 9
                                  0,  kL, kL, kL, kL, kL, kL, kL, kL, kL, kL, kL, kL, kL, kL, kL,  // A to Z
                                  kL, kL, kL, kL, kL, kL, kL, kL, kL, kL, kL, 0,  0,  0,  0,  0,   //
                                  0,  kL, kL, kL, kL, kL, kL, kL, kL, kL, kL, kL, kL, kL, kL, kL,  // a to z
                                  kL, kL, kL, kL, kL, kL, kL, kL, kL, kL, kL, 0,  0,  0,  0,  0};

bool IsWhitespace(uint32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13);
  if (c < 0x1680) return c == 0x85 || c == 0xA0;
  return c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

CharClass ClassOfWide(uint32_t c) {
  if (c < 128) return static_cast<CharClass>(kAsciiClass[c]);
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return kLetter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return kNumber;
    default:
      return IsWhitespace(c) ? kSpace : kOther;
  }
}

bool IsMark(uint32_t c) {
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC || category == UTF8PROC_CATEGORY_ME;
}

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
