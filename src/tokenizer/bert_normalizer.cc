#include "tokenizer/bert_normalizer.h"

#include <utf8proc.h>

#include "base/utf8.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/unicode.h"

namespace spate {
namespace {

// Calls `put(c)` for each character of the text; whether anything came of the first one goes to *moved.
template <typename Put>
std::string MapCharacters(std::string_view text, bool* moved, Put put) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = ReadCodePoint(text, at);
    put(c.value, &out);
    if (at == 0 && out.empty()) *moved = true;
    at += c.bytes;
  }
  return out;
}

void Put(uint32_t c, std::string* out) { AppendUtf8(*out, static_cast<char32_t>(c)); }

bool IsControl(uint32_t c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CO:
      return true;
    default:
      return false;
  }
}

// The blocks that BERT's own code lists, its misprint 2B920 included.
bool IsChinese(uint32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

bool IsNonspacingMark(uint32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_MN;
}

}  // namespace

std::string ApplyBertNormalizer(const NormalizeBert& step, std::string_view input, bool* moved) {
  std::string text(input);
  if (step.clean_text) {
    text = MapCharacters(text, moved, [](uint32_t c, std::string* out) {
      if (c == 0 || c == 0xFFFD || IsControl(c)) return;
      Put(IsWhitespace(c) ? ' ' : c, out);
    });
  }
  if (step.chinese_apart) {
    text = MapCharacters(text, moved, [](uint32_t c, std::string* out) {
      const bool chinese = IsChinese(c);
      if (chinese) *out += ' ';
      Put(c, out);
      if (chinese) *out += ' ';
    });
  }
  if (step.strip_accents) {
    text = MapCharacters(NormalizeForm(UnicodeForm::kNfd, text), moved, [](uint32_t c, std::string* out) {
      if (!IsNonspacingMark(c)) Put(c, out);
    });
  }
  return step.lowercase ? LowercaseText(text) : text;
}

std::string ApplyNmtNormalizer(std::string_view text, bool* moved) {
  return MapCharacters(text, moved, [](uint32_t c, std::string* out) {
    const bool gone =
        (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F;
    if (gone) return;
    const bool space = c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 ||
                       (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF ||
                       c == 0xFFFD;
    Put(space ? ' ' : c, out);
  });
}

}  // namespace spate
