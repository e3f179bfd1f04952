// A place in a JSON text, for reading large lists without building values: the caller knows what must come and asks for
// it. Strings are checked as strictly as a full parser checks them; Skip* only finds where a value ends. Does not own
// the text. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace spate {

class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text, size_t at = 0) : text_(text), at_(at) {}

  size_t at() const { return at_; }
  // The first character behind white space, '\0' at the end of the text.
  char Peek() {
    while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool Take(char c) {
    if (Peek() != c) return false;
    ++at_;
    return true;
  }

  // The string that begins here, unescaped: a view of the text or of *buffer. nullopt: not a valid string; the cursor
  // is then where the fault is.
  std::optional<std::string_view> String(std::string* buffer);
  // Digits that end at a white space, a comma or a bracket, without a leading zero. nullopt: something else, or more
  // than 2^63; the cursor has not moved then.
  std::optional<uint64_t> Unsigned();

  // Past the string or the value that begins here, whatever is in it; false: the text ends first.
  bool SkipString();
  bool SkipValue();

 private:
  static bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
  bool Unescape(std::string* buffer);
  std::optional<uint32_t> Hex4();

  std::string_view text_;
  size_t at_;
};

}  // namespace spate
