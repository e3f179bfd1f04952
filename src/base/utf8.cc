#include "base/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
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

constexpr Lead LeadOf(unsigned char byte) {
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

// Validation as a state machine without branches, because vocabularies are hundreds of thousands of short strings in
// which letters of all lengths mix. A state is the number of a bit: of a byte's 64-bit row, the 6 bits from there on
// are the next state, so one shift is a step.
enum State : unsigned {
  kStart = 0,     // between two code points
  kBad = 6,       // for good
  kOneMore = 12,  // continuation bytes 80..BF to come
  kTwoMore = 18,
  kThreeMore = 24,
  kAfterE0 = 30,  // behind these four the next byte is bounded, as in Lead
  kAfterEd = 36,
  kAfterF0 = 42,
  kAfterF4 = 48
};

constexpr State StateBehindLead(unsigned char byte) {
  const Lead lead = LeadOf(byte);
  if (lead.low == 0xa0) return kAfterE0;
  if (lead.high == 0x9f) return kAfterEd;
  if (lead.low == 0x90) return kAfterF0;
  if (lead.high == 0x8f) return kAfterF4;
  constexpr State kBehind[] = {kBad, kStart, kOneMore, kTwoMore, kThreeMore};
  return kBehind[lead.length];
}

constexpr std::array<uint64_t, 256> MakeSteps() {
  std::array<uint64_t, 256> steps{};
  for (unsigned b = 0; b < 256; ++b) {
    const auto set = [&](State from, State to) { steps[b] |= uint64_t{to} << from; };
    const auto if_in = [&](unsigned low, unsigned high, State to) { return b >= low && b <= high ? to : kBad; };
    set(kStart, StateBehindLead(static_cast<unsigned char>(b)));
    set(kBad, kBad);
    set(kOneMore, if_in(0x80, 0xbf, kStart));
    set(kTwoMore, if_in(0x80, 0xbf, kOneMore));
    set(kThreeMore, if_in(0x80, 0xbf, kTwoMore));
    set(kAfterE0, if_in(0xa0, 0xbf, kOneMore));
    set(kAfterEd, if_in(0x80, 0x9f, kOneMore));
    set(kAfterF0, if_in(0x90, 0xbf, kTwoMore));
    set(kAfterF4, if_in(0x80, 0x8f, kTwoMore));
  }
  return steps;
}

constexpr std::array<uint64_t, 256> kSteps = MakeSteps();

bool HasHighBit(const char* bytes32) {
  uint64_t words[4];
  std::memcpy(words, bytes32, sizeof(words));
  return ((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080u) != 0;
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
  if (IsValidUtf8(text)) return text.size();
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

bool IsValidUtf8(std::string_view text) {
  uint64_t state = kStart;
  size_t at = 0;
  for (; text.size() - at >= 32; at += 32) {
    const char* const bytes = text.data() + at;
    if ((state & 63) == kStart && !HasHighBit(bytes)) continue;
    for (size_t i = 0; i < 32; ++i) state = kSteps[static_cast<unsigned char>(bytes[i])] >> (state & 63);
  }
  for (; at < text.size(); ++at) state = kSteps[ByteAt(text, at)] >> (state & 63);
  return (state & 63) == kStart;
}

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
