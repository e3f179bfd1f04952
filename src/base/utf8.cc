#include "base/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/check.h"

namespace spate {
namespace {

// What a lead byte asks for. `low` and `high` bound the second byte, which is where overlong forms, surrogates and
// code points above U+10FFFF are told apart; the bytes after it are 80..BF.
struct Lead {
  int length;  // 0 = no lead byte
  unsigned char low, high;
};

Lead LeadOf(unsigned char byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xc2) return {0, 0, 0};
  if (byte < 0xe0) return {2, 0x80, 0xbf};
  if (byte == 0xe0) return {3, 0xa0, 0xbf};
  if (byte == 0xed) return {3, 0x80, 0x9f};
  if (byte < 0xf0) return {3, 0x80, 0xbf};
  if (byte == 0xf0) return {4, 0x90, 0xbf};
  if (byte < 0xf4) return {4, 0x80, 0xbf};
  if (byte == 0xf4) return {4, 0x80, 0x8f};
  return {0, 0, 0};
}

unsigned char ByteAt(std::string_view text, size_t position) { return static_cast<unsigned char>(text[position]); }

// How many bytes from `position` on belong to one code point as far as they go: its length when it is whole, else the
// maximal invalid or incomplete part (at least 1).
size_t MaximalPart(std::string_view text, size_t position, bool& whole) {
  const Lead lead = LeadOf(ByteAt(text, position));
  whole = false;
  if (lead.length == 0) return 1;
  size_t part = 1;
  for (; part < static_cast<size_t>(lead.length); ++part) {
    if (position + part >= text.size()) return part;
    const unsigned char byte = ByteAt(text, position + part);
    const unsigned char low = part == 1 ? lead.low : 0x80;
    const unsigned char high = part == 1 ? lead.high : 0xbf;
    if (byte < low || byte > high) return part;
  }
  whole = true;
  return part;
}

}  // namespace

Utf8Char DecodeUtf8(std::string_view text, size_t position) {
  if (position >= text.size()) return {};
  bool whole = false;
  const size_t length = MaximalPart(text, position, whole);
  if (!whole) return {};
  const unsigned char first = ByteAt(text, position);
  if (length == 1) return {first, 1};
  char32_t code_point = first & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) code_point = code_point << 6 | (ByteAt(text, position + i) & 0x3fu);
  return {code_point, static_cast<int>(length)};
}

void AppendUtf8(std::string& out, char32_t code_point) {
  CHECK(code_point <= 0x10ffff && (code_point < 0xd800 || code_point > 0xdfff), "U+{:04X}",
        static_cast<uint32_t>(code_point));
  const auto add = [&](char32_t byte) { out.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
  if (code_point < 0x80) {
    add(code_point);
  } else if (code_point < 0x800) {
    add(0xc0 | code_point >> 6);
    add(0x80 | (code_point & 0x3f));
  } else if (code_point < 0x10000) {
    add(0xe0 | code_point >> 12);
    add(0x80 | (code_point >> 6 & 0x3f));
    add(0x80 | (code_point & 0x3f));
  } else {
    add(0xf0 | code_point >> 18);
    add(0x80 | (code_point >> 12 & 0x3f));
    add(0x80 | (code_point >> 6 & 0x3f));
    add(0x80 | (code_point & 0x3f));
  }
}

size_t ValidUtf8Prefix(std::string_view text) {
  size_t position = 0;
  while (position < text.size()) {
    if (ByteAt(text, position) < 0x80) {
      ++position;
      continue;
    }
    bool whole = false;
    const size_t part = MaximalPart(text, position, whole);
    if (!whole) return position;
    position += part;
  }
  return position;
}

bool IsValidUtf8(std::string_view text) { return ValidUtf8Prefix(text) == text.size(); }

size_t IncompleteUtf8Tail(std::string_view text) {
  for (size_t tail = 1; tail <= std::min<size_t>(3, text.size()); ++tail) {
    const size_t position = text.size() - tail;
    const Lead lead = LeadOf(ByteAt(text, position));
    if (lead.length <= 1) continue;
    bool whole = false;
    const size_t part = MaximalPart(text, position, whole);
    if (!whole && part == tail) return tail;
  }
  return 0;
}

std::string ReplaceInvalidUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t position = 0; position < text.size();) {
    bool whole = false;
    const size_t part = MaximalPart(text, position, whole);
    if (whole) {
      out.append(text.substr(position, part));
    } else {
      AppendUtf8(out, kReplacementChar);
    }
    position += part;
  }
  return out;
}

std::string OneLine(std::string_view text, size_t max_bytes) {
  std::string out;
  out.reserve(std::min(text.size(), max_bytes));
  for (size_t position = 0; position < text.size();) {
    if (out.size() >= max_bytes) return out + "...";
    const Utf8Char c = DecodeUtf8(text, position);
    if (c.length == 0) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", ByteAt(text, position));
    } else if (c.code_point == '\n') {
      out += "\\n";
    } else if (c.code_point == '\t') {
      out += "\\t";
    } else if (c.code_point < 0x20 || c.code_point == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<uint32_t>(c.code_point));
    } else if ((c.code_point >= 0x80 && c.code_point < 0xa0) || c.code_point == 0x2028 || c.code_point == 0x2029) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<uint32_t>(c.code_point));
    } else {
      out.append(text.substr(position, static_cast<size_t>(c.length)));
    }
    position += static_cast<size_t>(std::max(c.length, 1));
  }
  return out;
}

}  // namespace spate
