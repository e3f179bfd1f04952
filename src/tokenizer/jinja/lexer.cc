#include "tokenizer/jinja/lexer.h"

#include <algorithm>

#include "tokenizer/jinja/failure.h"
#include "tokenizer/jinja/limits.h"
#include "tokenizer/jinja/text.h"
#include "tokenizer/unicode.h"

namespace spate::jinja {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Bytes of the whitespace at the start of the text.
size_t LeadingSpace(std::string_view text) { return text.size() - StripLeft(text).size(); }

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  std::vector<Token> Run() {
    while (at_ < source_.size()) Root();
    Add(TokenKind::kEnd, {});
    return std::move(tokens_);
  }

 private:
  bool Follows(std::string_view text) const { return source_.substr(at_).starts_with(text); }
  std::string_view Rest() const { return source_.substr(at_); }

  void Add(TokenKind kind, std::string_view text) {
    if (tokens_.size() >= kMaxTokens) FailAt(line_, "the template has more than {} tokens", kMaxTokens);
    tokens_.push_back({kind, line_, text});
  }

  // Steps over so many bytes, counting lines.
  void Skip(size_t bytes) {
    const std::string_view text = source_.substr(at_, bytes);
    line_ += static_cast<int>(std::count(text.begin(), text.end(), '\n'));
    if (!text.empty()) line_starting_ = text.back() == '\n';
    at_ += text.size();
  }

  // Text up to a tag. `sign` is the tag's own: - strips all whitespace before, + keeps it; otherwise a tag that is not
  // a variable takes the indentation before it away.
  void Data(size_t end, char sign, bool variable) {
    const std::string_view text = source_.substr(at_, end - at_);
    std::string_view kept = text;
    if (sign == '-') {
      kept = StripRight(text);
    } else if (sign != '+' && !variable) {
      const size_t line_begin = text.rfind('\n') + 1;  // 0 without one
      if ((line_begin > 0 || line_starting_) && Strip(text.substr(line_begin)).empty())
        kept = text.substr(0, line_begin);
    }
    if (!kept.empty()) Add(TokenKind::kData, kept);
    Skip(text.size());
  }

  static char SignAt(std::string_view text, size_t at) {
    return at < text.size() && (text[at] == '-' || text[at] == '+') ? text[at] : '\0';
  }

  void Root() {
    size_t tag = at_;
    while ((tag = source_.find('{', tag)) != std::string_view::npos) {
      if (tag + 1 < source_.size() && std::string_view("{%#").find(source_[tag + 1]) != std::string_view::npos) break;
      ++tag;
    }
    if (tag == std::string_view::npos) {
      Add(TokenKind::kData, Rest());
      Skip(source_.size() - at_);
      return;
    }
    const char kind = source_[tag + 1];
    const char sign = SignAt(source_, tag + 2);
    Data(tag, sign, kind == '{');
    const size_t begin = 2 + (sign == '\0' ? 0u : 1u);
    if (kind == '#') {
      Comment(begin);
    } else if (kind == '{') {
      Add(TokenKind::kVariableBegin, source_.substr(at_, begin));
      Skip(begin);
      Inside(false);
    } else if (!Raw(begin)) {
      Add(TokenKind::kBlockBegin, source_.substr(at_, begin));
      Skip(begin);
      Inside(true);
    }
  }

  // Bytes of `%}` or `#}` at `at`, with a sign and the whitespace that it takes along; 0 = none there.
  size_t TagEnd(size_t at, std::string_view end, bool plus, bool trim) const {
    const std::string_view text = source_.substr(at);
    if (text.starts_with(end)) return end.size() + (trim && text.substr(end.size()).starts_with('\n') ? 1 : 0);
    if (text.empty() || !text.substr(1).starts_with(end)) return 0;
    if (text[0] == '+' && plus) return 1 + end.size();
    if (text[0] == '-') return 1 + end.size() + LeadingSpace(text.substr(1 + end.size()));
    return 0;
  }

  void Comment(size_t begin) {
    for (size_t at = at_ + begin; at < source_.size(); ++at) {
      const char c = source_[at];
      if (c != '#' && c != '+' && c != '-') continue;
      if (const size_t bytes = TagEnd(at, "#}", true, true); bytes > 0) {
        Skip(at + bytes - at_);
        return;
      }
    }
    FailAt(line_, "a comment is not closed: expected #}}");
  }

  // {% raw %} ... {% endraw %}: everything between is text. False when the tag is another one.
  bool Raw(size_t begin) {
    std::string_view rest = StripLeft(source_.substr(at_ + begin));
    if (!rest.starts_with("raw")) return false;
    rest = StripLeft(rest.substr(3));
    if (rest.starts_with("-%}")) {
      rest = StripLeft(rest.substr(3));
    } else if (rest.starts_with("%}")) {
      rest = rest.substr(2);
    } else {
      return false;
    }
    const int line = line_;
    Skip(source_.size() - rest.size() - at_);
    for (size_t tag = at_; (tag = source_.find("{%", tag)) != std::string_view::npos; ++tag) {
      const char sign = SignAt(source_, tag + 2);
      std::string_view end = StripLeft(source_.substr(tag + 2 + (sign == '\0' ? 0u : 1u)));
      if (!end.starts_with("endraw")) continue;
      end = StripLeft(end.substr(6));
      const size_t end_at = source_.size() - end.size();
      const size_t bytes = TagEnd(end_at, "%}", true, true);
      if (bytes == 0) continue;
      Data(tag, sign, false);
      Skip(end_at + bytes - at_);
      return true;
    }
    FailAt(line, "a raw block is not closed: expected {{% endraw %}}");
  }

  // The tokens of a tag, to its end. Inside brackets }} and %} are no ends.
  void Inside(bool block) {
    std::string open;
    const int line = line_;
    while (true) {
      if (at_ >= source_.size()) FailAt(line, "a tag is not closed: expected {}", block ? "%}" : "}}");
      if (open.empty()) {
        if (const size_t bytes = TagEnd(at_, block ? "%}" : "}}", block, block); bytes > 0) {
          Add(block ? TokenKind::kBlockEnd : TokenKind::kVariableEnd, source_.substr(at_, bytes));
          Skip(bytes);
          return;
        }
      }
      if (const size_t space = LeadingSpace(Rest()); space > 0) {
        Skip(space);
        continue;
      }
      const auto [kind, bytes] = Next(open);
      Add(kind, source_.substr(at_, bytes));
      Skip(bytes);
    }
  }

  struct Found {
    TokenKind kind;
    size_t bytes;
  };

  Found Next(std::string& open) {
    const std::string_view rest = Rest();
    const char c = rest[0];
    if (IsDigit(c)) return Number(rest);
    if (c == '\'' || c == '"') return {TokenKind::kString, String(rest)};
    if (const size_t name = Name(rest); name > 0) return {TokenKind::kName, name};
    for (const std::string_view two : {"//", "**", "==", "!=", ">=", "<="}) {
      if (rest.starts_with(two)) return {TokenKind::kOperator, 2};
    }
    if (std::string_view("+-/*%~[](){}><=.:|,;").find(c) == std::string_view::npos) {
      FailAt(line_, "unexpected character '{}'", rest.substr(0, ReadCodePoint(rest, 0).bytes));
    }
    if (c == '(') open += ')';
    if (c == '[') open += ']';
    if (c == '{') open += '}';
    if (c == ')' || c == ']' || c == '}') {
      if (open.empty()) FailAt(line_, "unexpected '{}'", c);
      if (open.back() != c) FailAt(line_, "unexpected '{}', expected '{}'", c, open.back());
      open.pop_back();
    }
    return {TokenKind::kOperator, 1};
  }

  static size_t Name(std::string_view rest) {
    size_t at = 0;
    while (at < rest.size()) {
      const CodePoint c = ReadCodePoint(rest, at);
      if (!IsWordCharacter(c.value)) break;
      at += c.bytes;
    }
    return at;
  }

  size_t String(std::string_view rest) const {
    for (size_t at = 1; at < rest.size(); ++at) {
      if (rest[at] == '\\') {
        ++at;
      } else if (rest[at] == rest[0]) {
        return at + 1;
      }
    }
    FailAt(line_, "a string is not closed");
  }

  // Digits with single underscores between.
  static size_t Digits(std::string_view text, size_t at, bool (*digit)(char)) {
    const size_t begin = at;
    while (at < text.size()) {
      if (digit(text[at])) {
        ++at;
      } else if (text[at] == '_' && at > begin && at + 1 < text.size() && digit(text[at + 1])) {
        at += 2;
      } else {
        break;
      }
    }
    return at - begin;
  }

  Found Number(std::string_view rest) const {
    const auto hex = [](char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
    size_t at = Digits(rest, 0, IsDigit);
    const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
    bool is_float = false;
    size_t end = at;
    if (!after_dot && end + 1 < rest.size() && rest[end] == '.' && IsDigit(rest[end + 1])) {
      end += 1 + Digits(rest, end + 1, IsDigit);
      is_float = true;
    }
    if (!after_dot && end < rest.size() && (rest[end] == 'e' || rest[end] == 'E')) {
      const size_t sign = end + 1 < rest.size() && (rest[end + 1] == '+' || rest[end + 1] == '-') ? 1 : 0;
      if (const size_t digits = Digits(rest, end + 1 + sign, IsDigit); digits > 0) {
        end += 1 + sign + digits;
        is_float = true;
      }
    }
    if (is_float) return {TokenKind::kFloat, end};
    if (rest[0] != '0') return {TokenKind::kInteger, at};
    const char base = rest.size() > 1 ? static_cast<char>(rest[1] | 0x20) : '\0';
    size_t digits = 0;
    const size_t start = rest.size() > 2 && rest[2] == '_' ? 3 : 2;
    if (base == 'x') digits = Digits(rest, start, hex);
    if (base == 'o') digits = Digits(rest, start, [](char c) { return c >= '0' && c <= '7'; });
    if (base == 'b') digits = Digits(rest, start, [](char c) { return c == '0' || c == '1'; });
    if (digits > 0) return {TokenKind::kInteger, start + digits};
    return {TokenKind::kInteger, Digits(rest, 0, [](char c) { return c == '0'; })};
  }

  std::string_view source_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
};

// The digits of \x.., \u.... and \U........; FailAt when there are fewer.
uint32_t HexEscape(std::string_view text, size_t at, size_t digits, int line) {
  uint32_t value = 0;
  for (size_t i = 0; i < digits; ++i) {
    const char c = at + i < text.size() ? text[at + i] : '\0';
    const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!IsDigit(c) && !letter)
      FailAt(line, "a string has an escape with too few digits, \\{}", text.substr(at - 1, 1));
    value = value * 16 + static_cast<uint32_t>(letter ? (c | 0x20) - 'a' + 10 : c - '0');
  }
  return value;
}

}  // namespace

std::string NormalizeSource(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      out += source[i];
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

std::vector<Token> Tokenize(std::string_view source) { return Lexer(source).Run(); }

std::string StringLiteral(std::string_view token, int line) {
  const std::string_view text = token.substr(1, token.size() - 2);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    constexpr std::string_view kLetters = "abfnrtv\\'\"";
    constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"";
    uint32_t code_point = 0;
    if (const size_t letter = kLetters.find(c); letter != std::string_view::npos) {
      out += kMeanings[letter];
      continue;
    }
    if (c == '\n') continue;
    if (c == 'x' || c == 'u' || c == 'U') {
      const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      code_point = HexEscape(text, i + 1, digits, line);
      i += digits;
    } else if (c >= '0' && c <= '7') {
      size_t digits = 0;
      for (; digits < 3 && i + digits < text.size() && text[i + digits] >= '0' && text[i + digits] <= '7'; ++digits) {
        code_point = code_point * 8 + static_cast<uint32_t>(text[i + digits] - '0');
      }
      i += digits - 1;
    } else if (c == 'N') {
      FailAt(line, "a string has an escape \\N, which is not supported: write the character itself");
    } else {
      out += '\\';
      // Python sees a character beyond ASCII as its escape already, whose backslash the one before it takes.
      const CodePoint next = ReadCodePoint(text, i);
      if (next.value < 0x80) {
        out += c;
      } else {
        out += next.value < 0x100     ? fmt::format("x{:02x}", next.value)
               : next.value < 0x10000 ? fmt::format("u{:04x}", next.value)
                                      : fmt::format("U{:08x}", next.value);
        i += next.bytes - 1;
      }
      continue;
    }
    if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point < 0xE000)) {
      FailAt(line, "a string has an escape for {:#x}, which is no character", code_point);
    }
    AppendCodePoint(out, code_point);
  }
  return out;
}

}  // namespace spate::jinja
