// TranslateOniguruma: from Oniguruma's Ruby syntax, which Hugging Face tokenizers uses, to PCRE2's. The two differ in
// what \s, \w, \d, \h and \v mean, in nested character classes and && inside them, in `x{1,3}+` (repeated there,
// possessive here), in the characters of a script and in the letter of the dot-matches-newline flag.
#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8
#endif
#include <pcre2.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizer/regex.h"
#include "tokenizer/unicode.h"

namespace spate {
namespace {

constexpr size_t kMaxPattern = 16 * 1024;
constexpr int kMaxDepth = 64;

// Inside [...]. White_Space spelled out, because PCRE2's \s holds U+180E too.
constexpr std::string_view kSpaceItems =
    R"(\x09-\x0d\x20\x85\xa0\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
constexpr std::string_view kNotSpaceItems =
    R"(\x00-\x08\x0e-\x1f\x21-\x84\x86-\x9f\xa1-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e})"
    R"(\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff})";
// As IsWordCharacter, without the joiners.
constexpr std::string_view kWordItems =
    R"(\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{24b6}-\x{24e9}\x{1f130}-\x{1f149}\x{1f150}-\x{1f169}\x{1f170}-\x{1f189})";
// Outside of a class Oniguruma's \w takes Latin-1's superscripts and fractions for word characters too.
constexpr std::string_view kBareWordItems = R"(\xb2\xb3\xb9\xbc-\xbe)";
constexpr std::string_view kHexItems = "0-9A-Fa-f";

std::string Class(std::string_view items) { return fmt::format("[{}]", items); }
std::string NotClass(std::string_view items) { return fmt::format("[^{}]", items); }

// A script's name alone stands in PCRE2 for the characters that it shares with other scripts too.
bool IsScript(std::string_view property) {
  if (property.size() < 3) return false;  // a category
  const std::string probe = fmt::format("\\p{{sc:{}}}", property);
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(probe.data()), probe.size(), PCRE2_UTF | PCRE2_UCP,
                                   &error, &offset, nullptr);
  pcre2_code_free(code);
  return code != nullptr;
}

class Translator {
 public:
  explicit Translator(std::string_view pattern) : in_(pattern) {}

  std::string Run() {
    if (in_.size() > kMaxPattern) {
      throw Error(ErrorCode::kBadInput, "regular expression of {} bytes; at most {} are supported", in_.size(),
                  kMaxPattern);
    }
    if (!IsValidUtf8(in_)) Fail("it is not valid UTF-8");
    while (at_ < in_.size()) Item();
    return std::move(out_);
  }

 private:
  [[noreturn]] void Fail(std::string_view why) const {
    throw Error(ErrorCode::kBadInput, "regular expression '{}' is not supported: {} at byte {}", in_, why, at_);
  }
  bool Has(size_t count) const { return at_ + count <= in_.size(); }
  bool StartsWith(std::string_view s) const { return in_.substr(at_).starts_with(s); }
  char Peek(size_t ahead = 0) const { return Has(ahead + 1) ? in_[at_ + ahead] : '\0'; }

  void Atom(std::string_view text) {
    atom_ = out_.size();
    out_ += text;
  }

  void Item() {
    switch (Peek()) {
      case '\\':
        return Escape();
      case '[': {
        ++at_;
        const std::string item = ClassExpression(0).Regex();
        return Atom(item);
      }
      case '(':
        return Open();
      case ')':
        if (groups_.empty()) Fail("a ')' without its '('");
        atom_ = groups_.back();
        groups_.pop_back();
        out_ += ')';
        ++at_;
        return;
      case '*':
      case '+':
      case '?':
        return Quantifier(1);
      case '{':
        return Interval();
      case '|':
      case '^':
        atom_ = std::string::npos;
        out_ += in_[at_++];
        return;
      case '$':
      case '.':
        Atom(in_.substr(at_, 1));
        ++at_;
        return;
      default: {
        const size_t bytes = ReadCodePoint(in_, at_).bytes;
        const bool punctuation = bytes == 1 && !IsWordCharacter(static_cast<unsigned char>(Peek())) && Peek() > ' ';
        Atom(fmt::format("{}{}", punctuation ? "\\" : "", in_.substr(at_, bytes)));
        at_ += bytes;
      }
    }
  }

  void Open() {
    groups_.push_back(out_.size());
    if (groups_.size() > kMaxDepth) Fail("groups nested too deep");
    atom_ = std::string::npos;
    if (!StartsWith("(?")) {
      out_ += '(';
      ++at_;
      return;
    }
    for (const std::string_view plain : {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!"}) {
      if (StartsWith(plain)) {
        out_ += plain;
        at_ += plain.size();
        return;
      }
    }
    // Flags: (?i:...), (?m-i:...), and (?i) for the whole pattern.
    const bool at_start = at_ == 0;
    at_ += 2;
    out_ += "(?";
    for (; Peek() == 'i' || Peek() == 'm' || Peek() == '-'; ++at_) out_ += Peek() == 'm' ? 's' : Peek();
    if (Peek() == ')' && at_start) {
      groups_.pop_back();
    } else if (Peek() != ':') {
      Fail("an unknown kind of group");
    }
    out_ += in_[at_++];
  }

  void Quantifier(size_t length) {
    if (atom_ == std::string::npos) Fail("a quantifier with nothing to repeat");
    out_ += in_.substr(at_, length);
    at_ += length;
    if (Peek() == '?' || Peek() == '+') out_ += in_[at_++];
    EndQuantified();
  }

  void EndQuantified() {
    const char next = Peek();
    if (next == '*' || next == '+' || next == '?') Fail("a quantifier of a quantifier");
    atom_ = std::string::npos;
  }

  // {n}, {n,}, {n,m}, {,m}; anything else is a literal brace.
  void Interval() {
    size_t end = at_ + 1;
    const auto digits = [&] {
      const size_t from = end;
      while (end < in_.size() && in_[end] >= '0' && in_[end] <= '9') ++end;
      return in_.substr(from, end - from);
    };
    const std::string_view low = digits();
    bool comma = false;
    std::string_view high;
    if (end < in_.size() && in_[end] == ',') {
      comma = true;
      ++end;
      high = digits();
    }
    if (end >= in_.size() || in_[end] != '}' || (low.empty() && high.empty())) {
      Atom("\\{");
      ++at_;
      return;
    }
    if (atom_ == std::string::npos) Fail("a quantifier with nothing to repeat");
    out_ += fmt::format("{{{}{}{}}}", low.empty() ? "0" : low, comma ? "," : "", high);
    at_ = end + 1;
    if (Peek() == '?') {
      if (!comma) Fail("'{n}?'");
      out_ += in_[at_++];
    } else if (Peek() == '+') {
      out_.insert(atom_, "(?:");
      out_ += ")+";
      ++at_;
    }
    EndQuantified();
  }

  void Escape() {
    if (!Has(2)) Fail("a '\\' at the end");
    const char c = in_[at_ + 1];
    const std::string word = fmt::format("{}{}", kWordItems, kBareWordItems);
    switch (c) {
      case 'b':
      case 'B': {
        at_ += 2;
        atom_ = std::string::npos;
        const std::string boundary = fmt::format("(?:(?<={0})(?!{0})|(?<!{0})(?={0}))", Class(word));
        out_ += c == 'b' ? boundary : fmt::format("(?!{})", boundary);
        return;
      }
      case 'A':
      case 'z':
      case 'Z':
        at_ += 2;
        atom_ = std::string::npos;
        out_ += '\\';
        out_ += c;
        return;
      case 'S':
        at_ += 2;
        return Atom(NotClass(kSpaceItems));
      case 'W':
        at_ += 2;
        return Atom(NotClass(word));
      case 'w':
        at_ += 2;
        return Atom(Class(word));
      case 'H':
        at_ += 2;
        return Atom(NotClass(kHexItems));
      default: {
        bool single = false;
        const std::string items = EscapeItems(&single);
        Atom(Class(items));
      }
    }
  }

  // An escape that means the same inside and outside a class, as items of a class. *single: one character.
  std::string EscapeItems(bool* single) {
    const char c = in_[at_ + 1];
    *single = false;
    at_ += 2;
    switch (c) {
      case 's':
        return std::string(kSpaceItems);
      case 'w':
        return std::string(kWordItems);
      case 'h':
        return std::string(kHexItems);
      case 'd':
        return "\\p{Nd}";
      case 'D':
        return "\\P{Nd}";
      case 'p':
      case 'P': {
        const size_t close = in_.find('}', at_);
        if (Peek() != '{' || close == std::string_view::npos) Fail("a property without braces");
        std::string_view name = in_.substr(at_ + 1, close - at_ - 1);
        bool negated = c == 'P';
        if (name.starts_with('^')) {
          negated = !negated;
          name.remove_prefix(1);
        }
        at_ = close + 1;
        return fmt::format("\\{}{{{}{}}}", negated ? 'P' : 'p', IsScript(name) ? "sc:" : "", name);
      }
      case 'x':
      case 'u':
        *single = true;
        return fmt::format("\\x{{{:x}}}", Hexadecimal(c));
      case 'n':
      case 'r':
      case 't':
      case 'f':
      case 'a':
      case 'e':
        *single = true;
        return fmt::format("\\{}", c);
      case 'v':
        *single = true;
        return "\\x0b";
      default:
        break;
    }
    --at_;
    if (static_cast<unsigned char>(c) < 0x80 && IsWordCharacter(static_cast<unsigned char>(c)) && c != '_') {
      Fail(fmt::format("the escape '\\{}'", c));
    }
    *single = true;
    return Literal();
  }

  uint32_t Hexadecimal(char kind) {
    std::string_view digits;
    if (kind == 'x' && Peek() == '{') {
      const size_t close = in_.find('}', at_);
      if (close == std::string_view::npos) Fail("an open '\\x{'");
      digits = in_.substr(at_ + 1, close - at_ - 1);
      at_ = close + 1;
    } else {
      const size_t want = kind == 'x' ? 2 : 4;
      if (!Has(want)) Fail("a short number");
      digits = in_.substr(at_, want);
      at_ += want;
    }
    if (digits.empty() || digits.size() > 6) Fail("a number of this length");
    uint32_t value = 0;
    for (const char d : digits) {
      const char lower = static_cast<char>(d | 0x20);
      if (d >= '0' && d <= '9') {
        value = value * 16 + static_cast<uint32_t>(d - '0');
      } else if (lower >= 'a' && lower <= 'f') {
        value = value * 16 + static_cast<uint32_t>(lower - 'a' + 10);
      } else {
        Fail("a hexadecimal number with other digits");
      }
    }
    return value;
  }

  // The character at at_, such that it means itself inside a class.
  std::string Literal() {
    const CodePoint c = ReadCodePoint(in_, at_);
    at_ += c.bytes;
    return fmt::format("\\x{{{:x}}}", c.value);
  }

  // A set of characters under construction: items for one [...] and, where sets are nested so that one [...] cannot
  // say it, whole expressions that each match one character.
  struct Set {
    bool negated = false;
    std::string items;
    std::vector<std::string> nested;
    std::vector<std::string> intersected;  // sets on the left of &&, each as an expression

    std::string Union() const {
      if (nested.empty()) return items.empty() ? "(?!)" : Class(items);
      std::string out = "(?:";
      if (!items.empty()) out += Class(items) + "|";
      for (const std::string& n : nested) out += n + "|";
      out.back() = ')';
      return out;
    }
    bool IsFlat() const { return nested.empty() && intersected.empty() && !items.empty(); }
    std::string Regex() const {
      if (IsFlat()) return negated ? NotClass(items) : Class(items);
      std::string out;
      for (const std::string& left : intersected) out += fmt::format("(?={})", left);
      out += Union();
      return negated ? fmt::format("(?:(?!{})(?s:.))", out) : fmt::format("(?:{})", out);
    }
  };

  // After the '[' up to and with its ']'.
  Set ClassExpression(int depth) {
    if (depth > kMaxDepth) Fail("character classes nested too deep");
    Set set;
    if (Peek() == '^') {
      set.negated = true;
      ++at_;
    }
    for (bool first = true;; first = false) {
      if (at_ >= in_.size()) Fail("an open '['");
      if (Peek() == ']' && !first) {
        ++at_;
        return set;
      }
      if (StartsWith("[:")) Fail("a POSIX class");
      if (Peek() == '[') {
        ++at_;
        const Set inner = ClassExpression(depth + 1);
        if (inner.IsFlat() && !inner.negated) {
          set.items += inner.items;
        } else {
          set.nested.push_back(inner.Regex());
        }
        continue;
      }
      if (StartsWith("&&")) {
        at_ += 2;
        set.intersected.push_back(set.Union());
        set.items.clear();
        set.nested.clear();
        continue;
      }
      ClassItem(&set);
    }
  }

  void ClassItem(Set* set) {
    bool single = false;
    std::string item = ClassCharacter(&single);
    // A range, unless the '-' stands before the end or a set.
    if (single && Peek() == '-' && Has(2) && Peek(1) != ']' && Peek(1) != '[') {
      ++at_;
      bool single_end = false;
      const std::string last = ClassCharacter(&single_end);
      if (!single_end) Fail("a range that ends in a set");
      item += "-" + last;
    }
    set->items += item;
  }

  std::string ClassCharacter(bool* single) {
    if (Peek() != '\\') {
      *single = true;
      return Literal();
    }
    if (!Has(2)) Fail("a '\\' at the end");
    *single = false;
    switch (in_[at_ + 1]) {
      case 'S':
        at_ += 2;
        return std::string(kNotSpaceItems);
      case 'W':
      case 'H':
        Fail("a negated set inside a class");
      case 'b':
        at_ += 2;
        *single = true;
        return "\\x08";
      default:
        return EscapeItems(single);
    }
  }

  std::string_view in_;
  size_t at_ = 0;
  std::string out_;
  size_t atom_ = std::string::npos;  // where in out_ the thing begins that a quantifier would repeat
  std::vector<size_t> groups_;       // where in out_ each open group begins
};

}  // namespace

std::string TranslateOniguruma(std::string_view pattern) { return Translator(pattern).Run(); }

}  // namespace spate
