#include "checkpoint/json_cursor.h"

#include <array>

#include "base/utf8.h"

namespace spate {
namespace {

// What ends the plain part of a string or makes it need a look.
enum : uint8_t { kPlain = 0, kWide = 1, kSpecial = 2 };
constexpr std::array<uint8_t, 256> MakeStringClasses() {
  std::array<uint8_t, 256> classes{};
  for (size_t c = 0; c < 256; ++c)
    classes[c] = c < 0x20 || c == '"' || c == '\\' ? kSpecial : c < 0x80 ? kPlain : kWide;
  return classes;
}
constexpr std::array<uint8_t, 256> kStringClasses = MakeStringClasses();

}  // namespace

std::optional<std::string_view> JsonCursor::String(std::string* buffer) {
  if (!Take('"')) return std::nullopt;
  const size_t begin = at_;
  size_t end = begin;
  uint8_t seen = 0;
  for (; end < text_.size(); ++end) {
    const uint8_t c = kStringClasses[static_cast<unsigned char>(text_[end])];
    if (c == kSpecial) break;
    seen |= c;
  }
  const std::string_view plain = text_.substr(begin, end - begin);
  if ((seen & kWide) != 0) {
    const size_t valid = ValidUtf8Prefix(plain);
    if (valid != plain.size()) {
      at_ = begin + valid;
      return std::nullopt;
    }
  }
  at_ = end;
  if (end == text_.size()) return std::nullopt;
  if (text_[end] == '"') {
    ++at_;
    return plain;
  }
  buffer->assign(plain);
  while (at_ < text_.size() && text_[at_] != '"') {
    if (text_[at_] == '\\') {
      if (!Unescape(buffer)) return std::nullopt;
      continue;
    }
    if (static_cast<unsigned char>(text_[at_]) < 0x20) return std::nullopt;
    const Utf8Char c = DecodeUtf8(text_, at_);
    if (c.length == 0) return std::nullopt;
    buffer->append(text_, at_, static_cast<size_t>(c.length));
    at_ += static_cast<size_t>(c.length);
  }
  if (!Take('"')) return std::nullopt;
  return *buffer;
}

std::optional<uint32_t> JsonCursor::Hex4() {
  if (text_.size() - at_ < 4) return std::nullopt;
  uint32_t value = 0;
  for (const char c : text_.substr(at_, 4)) {
    const char lower = static_cast<char>(c | 0x20);
    if (c >= '0' && c <= '9') {
      value = value << 4 | static_cast<uint32_t>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      value = value << 4 | static_cast<uint32_t>(lower - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  at_ += 4;
  return value;
}

// The escape at the cursor, which is on its backslash.
bool JsonCursor::Unescape(std::string* buffer) {
  if (text_.size() - at_ < 2) return false;
  constexpr std::string_view kLetters = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
  const char letter = text_[at_ + 1];
  if (const size_t known = kLetters.find(letter); known != std::string_view::npos) {
    *buffer += kMeanings[known];
    at_ += 2;
    return true;
  }
  if (letter != 'u') return false;
  at_ += 2;
  const std::optional<uint32_t> first = Hex4();
  if (!first) return false;
  char32_t c = *first;
  if (c >= 0xDC00 && c < 0xE000) return false;
  if (c >= 0xD800 && c < 0xDC00) {
    if (!text_.substr(at_).starts_with("\\u")) return false;
    at_ += 2;
    const std::optional<uint32_t> second = Hex4();
    if (!second || *second < 0xDC00 || *second >= 0xE000) return false;
    c = 0x10000 + ((c - 0xD800) << 10) + (*second - 0xDC00);
  }
  AppendUtf8(*buffer, c);
  return true;
}

std::optional<uint64_t> JsonCursor::Unsigned() {
  Peek();
  uint64_t value = 0;
  size_t end = at_;
  for (; end < text_.size() && text_[end] >= '0' && text_[end] <= '9'; ++end) {
    if (end - at_ == 18) return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(text_[end] - '0');
  }
  if (end == at_ || (text_[at_] == '0' && end != at_ + 1)) return std::nullopt;
  if (end < text_.size() && !IsSpace(text_[end]) && text_[end] != ',' && text_[end] != '}' && text_[end] != ']') {
    return std::nullopt;
  }
  at_ = end;
  return value;
}

bool JsonCursor::SkipString() {
  for (++at_; at_ < text_.size(); ++at_) {
    if (text_[at_] == '"') {
      ++at_;
      return true;
    }
    if (text_[at_] == '\\') ++at_;
  }
  at_ = text_.size();
  return false;
}

bool JsonCursor::SkipValue() {
  size_t depth = 0;
  for (Peek(); at_ < text_.size();) {
    switch (text_[at_]) {
      case '"':
        if (!SkipString()) return false;
        break;
      case '[':
      case '{':
        ++depth;
        ++at_;
        break;
      case ']':
      case '}':
      case ',':
        if (depth == 0) return true;  // behind a number or a literal
        if (text_[at_] != ',') --depth;
        ++at_;
        break;
      default:
        ++at_;
        continue;
    }
    if (depth == 0) return true;
  }
  return false;
}

}  // namespace spate
