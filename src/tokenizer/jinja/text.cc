#include "tokenizer/jinja/text.h"

#include <fmt/format.h>
#include <string.h>  // memmem
#include <utf8proc.h>

#include <algorithm>

#include "base/utf8.h"
#include "tokenizer/jinja/case_table.h"
#include "tokenizer/unicode.h"

namespace spate::jinja {
namespace {

utf8proc_category_t Category(uint32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

bool IsCased(uint32_t c) { return IsUpper(c) || IsLower(c) || IsTitle(c); }

// Characters that do not end a word for the final sigma.
bool IsCaseIgnorable(uint32_t c) {
  if (c < 0x80) return c == '\'' || c == '.' || c == ':' || c == '^' || c == '`';
  switch (Category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return c == 0xB7 || c == 0x387 || c == 0x2019 || c == 0x2018 || c == 0x2024 || c == 0x2027;
  }
}

// Whether the sigma at [at, end) closes a word: a letter before it and none behind.
bool IsFinalSigma(std::string_view text, size_t at, size_t end) {
  while (at > 0) {
    const CodePoint before = ReadCodePointBefore(text, at);
    at -= before.bytes;
    if (IsCaseIgnorable(before.value)) continue;
    if (!IsCased(before.value)) return false;
    while (end < text.size()) {
      const CodePoint after = ReadCodePoint(text, end);
      if (!IsCaseIgnorable(after.value)) return !IsCased(after.value);
      end += after.bytes;
    }
    return true;
  }
  return false;
}

void AppendUpper(std::string& out, uint32_t c, bool title) {
  if (c < 0x80) {
    out += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  } else if (const uint32_t* special = SpecialUpper(c, title)) {
    for (int i = 0; i < 3 && special[i] != 0; ++i) AppendCodePoint(out, special[i]);
  } else {
    const auto code_point = static_cast<utf8proc_int32_t>(c);
    AppendCodePoint(out, static_cast<uint32_t>(title ? utf8proc_totitle(code_point) : utf8proc_toupper(code_point)));
  }
}

void AppendLower(std::string& out, std::string_view text, size_t at, CodePoint c) {
  if (c.value == 0x3A3) {
    AppendCodePoint(out, IsFinalSigma(text, at, at + c.bytes) ? 0x3C2 : 0x3C3);
  } else if (c.value == 0x130) {
    out += "i\u0307";
  } else {
    AppendCodePoint(out, SimpleLowercase(c.value));
  }
}

template <typename Visit>
void ForEach(std::string_view text, Visit visit) {
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = ReadCodePoint(text, at);
    visit(at, c);
    at += c.bytes;
  }
}

}  // namespace

bool IsSpace(uint32_t c) { return IsWhitespace(c) || (c >= 0x1C && c <= 0x1F); }

bool IsLineBreak(uint32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

bool IsPrintable(uint32_t c) {
  if (c < 0x7F) return c >= 0x20;
  switch (Category(c)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return false;
    default:
      return true;
  }
}

bool IsAlpha(uint32_t c) { return ClassOf(c) == kLetter; }
bool IsDecimal(uint32_t c) { return Category(c) == UTF8PROC_CATEGORY_ND; }
bool IsDigitCharacter(uint32_t c) { return IsDecimal(c) || IsOtherDigit(c); }
bool IsNumeric(uint32_t c) { return ClassOf(c) == kNumber || IsNumericLetter(c); }
bool IsUpper(uint32_t c) {
  return Category(c) == UTF8PROC_CATEGORY_LU || (c >= 0x2160 && c <= 0x216F) || (c >= 0x24B6 && c <= 0x24CF);
}
bool IsLower(uint32_t c) {
  return Category(c) == UTF8PROC_CATEGORY_LL || c == 0xAA || c == 0xBA || (c >= 0x2170 && c <= 0x217F) ||
         (c >= 0x24D0 && c <= 0x24E9) || (c >= 0x2B0 && c <= 0x2B8);
}
bool IsTitle(uint32_t c) { return Category(c) == UTF8PROC_CATEGORY_LT; }

std::string_view StripLeft(std::string_view text) {
  while (!text.empty()) {
    const CodePoint c = ReadCodePoint(text, 0);
    if (!IsSpace(c.value)) break;
    text.remove_prefix(c.bytes);
  }
  return text;
}

std::string_view StripRight(std::string_view text) {
  while (!text.empty()) {
    const CodePoint c = ReadCodePointBefore(text, text.size());
    if (!IsSpace(c.value)) break;
    text.remove_suffix(c.bytes);
  }
  return text;
}

std::string_view Strip(std::string_view text) { return StripRight(StripLeft(text)); }

std::string_view StripSet(std::string_view text, std::string_view set, bool left, bool right) {
  const auto in_set = [&](size_t at, size_t bytes) {
    return set.find(text.substr(at, bytes)) != std::string_view::npos;  // whole characters only match at their borders
  };
  while (left && !text.empty()) {
    const CodePoint c = ReadCodePoint(text, 0);
    if (!in_set(0, c.bytes)) break;
    text.remove_prefix(c.bytes);
  }
  while (right && !text.empty()) {
    const CodePoint c = ReadCodePointBefore(text, text.size());
    if (!in_set(text.size() - c.bytes, c.bytes)) break;
    text.remove_suffix(c.bytes);
  }
  return text;
}

size_t CountChars(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

size_t OffsetOfChar(std::string_view text, size_t index) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) continue;
    if (index == 0) return at;
    --index;
  }
  return at;
}

void AppendCodePoint(std::string& out, uint32_t code_point) { AppendUtf8(out, code_point); }

size_t Find(std::string_view text, std::string_view part, size_t from) {
  if (from > text.size()) return std::string_view::npos;
  if (part.empty()) return from;
  const void* found = memmem(text.data() + from, text.size() - from, part.data(), part.size());
  return found == nullptr ? std::string_view::npos : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

size_t FindLast(std::string_view text, std::string_view part) {
  if (part.empty()) return text.size();
  // Backwards as one search in reversed copies: from the front there could be as many matches as characters.
  const std::string reversed(text.rbegin(), text.rend()), wanted(part.rbegin(), part.rend());
  const size_t found = Find(reversed, wanted);
  return found == std::string_view::npos ? found : text.size() - found - part.size();
}

size_t CountParts(std::string_view text, std::string_view part, size_t most) {
  if (part.empty()) return std::min(CountChars(text) + 1, most);
  size_t count = 0;
  for (size_t at = Find(text, part); at != std::string_view::npos && count < most;
       at = Find(text, part, at + part.size())) {
    ++count;
  }
  return count;
}

std::string Replace(std::string_view text, std::string_view old, std::string_view with, int64_t count) {
  std::string out;
  size_t done = 0;
  if (old.empty()) {  // before every character and at the end
    for (; count != 0; --count) {
      out += with;
      if (done == text.size()) break;
      const size_t bytes = ReadCodePoint(text, done).bytes;
      out += text.substr(done, bytes);
      done += bytes;
    }
    return out += text.substr(done);
  }
  for (; count != 0; --count) {
    const size_t found = Find(text, old, done);
    if (found == std::string_view::npos) break;
    out += text.substr(done, found - done);
    out += with;
    done = found + old.size();
  }
  return out += text.substr(done);
}

std::vector<std::string_view> Split(std::string_view text, std::string_view separator, int64_t max) {
  std::vector<std::string_view> parts;
  size_t done = 0;
  for (; max != 0; --max) {
    const size_t found = Find(text, separator, done);
    if (found == std::string_view::npos) break;
    parts.push_back(text.substr(done, found - done));
    done = found + separator.size();
  }
  parts.push_back(text.substr(done));
  return parts;
}

std::vector<std::string_view> SplitSpace(std::string_view text, int64_t max) {
  std::vector<std::string_view> parts;
  for (text = StripLeft(text); !text.empty(); text = StripLeft(text)) {
    if (max-- == 0) {
      parts.push_back(text);
      break;
    }
    size_t end = 0;
    while (end < text.size()) {
      const CodePoint c = ReadCodePoint(text, end);
      if (IsSpace(c.value)) break;
      end += c.bytes;
    }
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return parts;
}

std::vector<std::string_view> SplitLast(std::string_view text, std::string_view separator, int64_t max) {
  if (max < 0) return Split(text, separator, max);
  const std::string reversed(text.rbegin(), text.rend()), wanted(separator.rbegin(), separator.rend());
  std::vector<std::string_view> parts = Split(reversed, wanted, max);
  size_t begin = text.size();
  for (std::string_view& part : parts) {
    const size_t bytes = part.size();
    part = text.substr(begin - bytes, bytes);
    begin -= bytes + (begin - bytes > 0 ? separator.size() : 0);
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<std::string_view> SplitSpaceLast(std::string_view text, int64_t max) {
  std::vector<std::string_view> parts;
  for (text = StripRight(text); !text.empty(); text = StripRight(text)) {
    if (max-- == 0) {
      parts.push_back(text);
      break;
    }
    size_t begin = text.size();
    while (begin > 0) {
      const CodePoint c = ReadCodePointBefore(text, begin);
      if (IsSpace(c.value)) break;
      begin -= c.bytes;
    }
    parts.push_back(text.substr(begin));
    text = text.substr(0, begin);
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<std::string_view> SplitLines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = ReadCodePoint(text, at);
    if (!IsLineBreak(c.value)) {
      at += c.bytes;
      continue;
    }
    const size_t bytes = text.substr(at).starts_with("\r\n") ? 2 : c.bytes;
    lines.push_back(text.substr(begin, at - begin + (keep_ends ? bytes : 0)));
    at += bytes;
    begin = at;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

std::string Upper(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  ForEach(text, [&](size_t, CodePoint c) { AppendUpper(out, c.value, false); });
  return out;
}

std::string Lower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  ForEach(text, [&](size_t at, CodePoint c) { AppendLower(out, text, at, c); });
  return out;
}

std::string Title(std::string_view text) {
  std::string out;
  bool in_word = false;
  ForEach(text, [&](size_t at, CodePoint c) {
    if (in_word) {
      AppendLower(out, text, at, c);
    } else {
      AppendUpper(out, c.value, true);
    }
    in_word = IsCased(c.value);
  });
  return out;
}

std::string Capitalize(std::string_view text) {
  std::string out;
  ForEach(text, [&](size_t at, CodePoint c) {
    if (at == 0) {
      AppendUpper(out, c.value, true);
    } else {
      AppendLower(out, text, at, c);
    }
  });
  return out;
}

std::string SwapCase(std::string_view text) {
  std::string out;
  ForEach(text, [&](size_t at, CodePoint c) {
    if (IsUpper(c.value)) {
      AppendLower(out, text, at, c);
    } else if (IsLower(c.value)) {
      AppendUpper(out, c.value, false);
    } else {
      AppendCodePoint(out, c.value);
    }
  });
  return out;
}

std::string ReprText(std::string_view text) {
  const char quote = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out(1, quote);
  ForEach(text, [&](size_t, CodePoint c) {
    if (c.value == static_cast<uint32_t>(quote) || c.value == '\\') {
      out += '\\';
      out += static_cast<char>(c.value);
    } else if (c.value == '\n') {
      out += "\\n";
    } else if (c.value == '\r') {
      out += "\\r";
    } else if (c.value == '\t') {
      out += "\\t";
    } else if (IsPrintable(c.value)) {
      AppendCodePoint(out, c.value);
    } else if (c.value < 0x100) {
      out += fmt::format("\\x{:02x}", c.value);
    } else if (c.value < 0x10000) {
      out += fmt::format("\\u{:04x}", c.value);
    } else {
      out += fmt::format("\\U{:08x}", c.value);
    }
  });
  return out += quote;
}

std::string EscapeHtml(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '"':
        out += "&#34;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string StripTags(std::string_view text) {
  std::string kept;
  size_t done = 0;
  for (size_t start = 0; (start = Find(text, "<", done)) != std::string_view::npos;) {
    const bool comment = text.substr(start).starts_with("<!--");
    const size_t end = comment ? Find(text, "-->", start + 4) : Find(text, ">", start);
    if (end == std::string_view::npos) break;
    kept += text.substr(done, start - done);
    done = end + (comment ? 3 : 1);
  }
  kept += text.substr(done);
  std::string out;
  for (const std::string_view word : SplitSpace(kept, -1)) {
    if (!out.empty()) out += ' ';
    out += word;
  }
  // The entities that escaping writes.
  for (const auto& [entity, character] : {std::pair<std::string_view, std::string_view>{"&lt;", "<"},
                                          {"&gt;", ">"},
                                          {"&#39;", "'"},
                                          {"&#34;", "\""},
                                          {"&quot;", "\""},
                                          {"&amp;", "&"}}) {
    out = Replace(out, entity, character, -1);
  }
  return out;
}

}  // namespace spate::jinja
