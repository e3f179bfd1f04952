#include "tokenizer/normalizer.h"

#include <utf8proc.h>

#include <algorithm>

#include "base/check.h"
#include "base/error.h"
#include "base/utf8.h"
#include "tokenizer/bert_normalizer.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/unicode.h"

namespace spate {
namespace {

// Characters that every text consisting of them alone keeps under NFC: starters that neither decompose nor join the
// character before them.
bool KeptByNfc(uint32_t c) {
  if (c < 0x300) return true;
  if ((c >= 0x1100 && c <= 0x11FF) || (c >= 0xAC00 && c <= 0xD7FB)) return false;  // Hangul composes by arithmetic
  const utf8proc_property_t* p = utf8proc_get_property(static_cast<utf8proc_int32_t>(c));
  return p->combining_class == 0 && p->decomp_seqindex == UINT16_MAX && p->comb_index == UINT16_MAX;
}

// A canonical decomposition has at most 4 characters, a compatible one at most 18.
constexpr utf8proc_ssize_t kMaxDecomposition = 32;

void Decompose(std::string_view text, utf8proc_option_t options, std::vector<utf8proc_int32_t>* out) {
  int boundary = UTF8PROC_BOUNDCLASS_START;
  utf8proc_int32_t buffer[kMaxDecomposition];
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = ReadCodePoint(text, at);
    at += c.bytes;
    const utf8proc_ssize_t count =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c.value), buffer, kMaxDecomposition, options, &boundary);
    CHECK(count >= 0 && count <= kMaxDecomposition, "decomposition of U+{:04X}", c.value);
    out->insert(out->end(), buffer, buffer + count);
  }
}

int CombiningClass(utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; }

// utf8proc sorts marks by swapping neighbours, quadratic in the length of a run; this is n log n.
void SortMarks(std::vector<utf8proc_int32_t>* chars) {
  for (size_t i = 0; i < chars->size();) {
    if (CombiningClass((*chars)[i]) == 0) {
      ++i;
      continue;
    }
    size_t end = i;
    while (end < chars->size() && CombiningClass((*chars)[end]) != 0) ++end;
    std::stable_sort(chars->begin() + static_cast<std::ptrdiff_t>(i), chars->begin() + static_cast<std::ptrdiff_t>(end),
                     [](utf8proc_int32_t a, utf8proc_int32_t b) { return CombiningClass(a) < CombiningClass(b); });
    i = end;
  }
}

std::string_view Strip(std::string_view text, const NormalizeStrip& sides) {
  while (sides.left && !text.empty()) {
    const CodePoint c = ReadCodePoint(text, 0);
    if (!IsWhitespace(c.value)) break;
    text.remove_prefix(c.bytes);
  }
  while (sides.right && !text.empty()) {
    const CodePoint c = ReadCodePointBefore(text, text.size());
    if (!IsWhitespace(c.value)) break;
    text.remove_suffix(c.bytes);
  }
  return text;
}

std::string StripAccents(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = ReadCodePoint(text, at);
    if (!IsMark(c.value)) out += text.substr(at, c.bytes);
    at += c.bytes;
  }
  return out;
}

}  // namespace

std::string NormalizeForm(UnicodeForm form, std::string_view text) {
  const bool compose = form == UnicodeForm::kNfc || form == UnicodeForm::kNfkc;
  const bool compatible = form == UnicodeForm::kNfkc || form == UnicodeForm::kNfkd;
  bool kept = true;
  for (size_t at = 0; kept && at < text.size();) {
    const CodePoint c = ReadCodePoint(text, at);
    at += c.bytes;
    kept = form == UnicodeForm::kNfc ? KeptByNfc(c.value) : c.value < 128;
  }
  if (kept) return std::string(text);

  std::vector<utf8proc_int32_t> chars;
  chars.reserve(text.size());
  const int options = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0);
  Decompose(text, static_cast<utf8proc_option_t>(options), &chars);
  SortMarks(&chars);
  if (compose) {
    const utf8proc_ssize_t count =
        utf8proc_normalize_utf32(chars.data(), static_cast<utf8proc_ssize_t>(chars.size()),
                                 static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    CHECK(count >= 0 && static_cast<size_t>(count) <= chars.size(), "composition");
    chars.resize(static_cast<size_t>(count));
  }
  std::string out;
  out.reserve(text.size());
  for (const utf8proc_int32_t c : chars) AppendUtf8(out, static_cast<char32_t>(c));
  return out;
}

std::string LowercaseText(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = ReadCodePoint(text, at);
    at += c.bytes;
    if (c.value == 0x130) {
      out += "i\u0307";  // the one character whose lower case is two
    } else {
      AppendUtf8(out, static_cast<char32_t>(SimpleLowercase(c.value)));
    }
  }
  return out;
}

std::string ReplaceRegex(std::string_view text, const Regex& regex, std::string_view content) {
  std::string out;
  size_t kept = 0;
  RegexRun run(regex, text);
  for (TextRange match; run.Next(&match);) {
    out += text.substr(kept, match.begin - kept);
    out += content;
    kept = match.end;
  }
  out += text.substr(kept);
  return out;
}

std::string ReplaceAll(std::string_view text, std::string_view pattern, std::string_view content) {
  std::string out;
  out.reserve(text.size());
  size_t kept = 0;
  for (size_t found; (found = text.find(pattern, kept)) != std::string_view::npos; kept = found + pattern.size()) {
    out += text.substr(kept, found - kept);
    out += content;
  }
  out += text.substr(kept);
  return out;
}

Normalizer::Normalizer(const std::vector<NormalizerStep>& steps) {
  for (const NormalizerStep& step : steps) {
    const auto* replace = std::get_if<NormalizeReplace>(&step);
    if (replace != nullptr && !replace->pattern.is_regex && replace->pattern.text.empty()) {
      throw Error(ErrorCode::kBadInput, "tokenizer: normalizer Replace has an empty pattern");
    }
    if (replace != nullptr && replace->pattern.is_regex) {
      steps_.emplace_back(RegexReplace{Regex(replace->pattern.text), replace->content});
    } else if (const auto* map = std::get_if<NormalizeCharsMap>(&step)) {
      steps_.emplace_back(CharsMap(map->charsmap));
    } else if (const auto* sentencepiece = std::get_if<NormalizeSentencePiece>(&step)) {
      steps_.emplace_back(SentencePieceNormalizer(*sentencepiece));
    } else {
      steps_.emplace_back(step);
    }
  }
}

std::string Normalizer::Apply(std::string_view input, bool at_start, bool* moved) const {
  std::string text(input);
  for (const Step& step : steps_) {
    if (const auto* replace = std::get_if<RegexReplace>(&step)) {
      text = ReplaceRegex(text, replace->regex, replace->content);
    } else if (const auto* map = std::get_if<CharsMap>(&step)) {
      text = map->ApplyToGraphemes(text);  // where it starts counts as the text's start in any case
    } else if (const auto* sentencepiece = std::get_if<SentencePieceNormalizer>(&step)) {
      text = sentencepiece->Apply(text, at_start);
    } else {
      text = ApplyPlain(std::get<NormalizerStep>(step), text, moved);
    }
  }
  return text;
}

std::string Normalizer::ApplyPlain(const NormalizerStep& step, std::string_view text, bool* moved) {
  if (const auto* unicode = std::get_if<NormalizeUnicode>(&step)) return NormalizeForm(unicode->form, text);
  if (std::holds_alternative<NormalizeLowercase>(step)) return LowercaseText(text);
  if (const auto* strip = std::get_if<NormalizeStrip>(&step)) {
    const std::string_view rest = Strip(text, *strip);
    if (rest.data() != text.data()) *moved = true;
    return std::string(rest);
  }
  if (std::holds_alternative<NormalizeStripAccents>(step)) return StripAccents(text);
  if (const auto* prepend = std::get_if<NormalizePrepend>(&step)) {
    return text.empty() ? std::string() : prepend->text + std::string(text);
  }
  if (const auto* bert = std::get_if<NormalizeBert>(&step)) return ApplyBertNormalizer(*bert, text, moved);
  if (std::holds_alternative<NormalizeNmt>(step)) return ApplyNmtNormalizer(text, moved);
  if (std::holds_alternative<NormalizeByteLevel>(step)) return SpellBytes(text);
  const auto& replace = std::get<NormalizeReplace>(step);
  return ReplaceAll(text, replace.pattern.text, replace.content);
}

}  // namespace spate
