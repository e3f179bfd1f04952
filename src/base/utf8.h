// Strict UTF-8 (Unicode 15, table 3-7): no overlong forms, no surrogates, nothing above U+10FFFF. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace spate {

inline constexpr char32_t kReplacementChar = 0xFFFD;

struct Utf8Char {
  char32_t code_point = kReplacementChar;
  int length = 0;  // bytes, 1 ... 4; 0 = invalid, incomplete, or the end
};

// The code point that starts at `position`.
Utf8Char DecodeUtf8(std::string_view text, size_t position);

// `code_point` is a Unicode scalar value (CHECK).
void AppendUtf8(std::string& out, char32_t code_point);

// Bytes of the longest valid prefix that ends with a whole code point: the position of the first invalid byte, or
// text.size().
size_t ValidUtf8Prefix(std::string_view text);
bool IsValidUtf8(std::string_view text);

// Bytes at the end (0 ... 3) that are the beginning of a code point which more bytes could complete. What is streamed
// must hold them back.
size_t IncompleteUtf8Tail(std::string_view text);

// Each maximal invalid part becomes one U+FFFD, as Python's errors="replace" does it.
std::string ReplaceInvalidUtf8(std::string_view text);

// Foreign text for a log record or an error message: valid UTF-8, control characters escaped, so that it stays on its
// line; cut after about `max_bytes` with "...".
std::string OneLine(std::string_view text, size_t max_bytes);

}  // namespace spate
