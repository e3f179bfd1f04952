#include "tokenizer/word_scan.h"

#include "base/check.h"
#include "tokenizer/unicode.h"

namespace spate {
namespace {

constexpr std::string_view kGpt2Regex = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3Regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2Regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// Reads one stretch of text; every function takes a position and returns where its match ends.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  struct Character {
    CharClass kind;
    uint32_t bytes;
  };
  Character At(size_t at) const {
    const unsigned char byte = static_cast<unsigned char>(text_[at]);
    if (byte < 128) return {static_cast<CharClass>(kAsciiClass[byte]), 1};
    const CodePoint c = ReadCodePoint(text_, at);
    return {ClassOfWide(c.value), c.bytes};
  }

  size_t Run(size_t at, CharClass kind) const {
    while (at < text_.size()) {
      const Character c = At(at);
      if (c.kind != kind) break;
      at += c.bytes;
    }
    return at;
  }

  bool IsKind(size_t at, CharClass kind) const { return at < text_.size() && At(at).kind == kind; }

  // 's 't 'm 'd 're 've 'll behind the apostrophe at `at`; `at` if there is none. Ignoring case, the long s is an s.
  size_t Contraction(size_t at, bool ignore_case) const {
    const auto lower = [&](size_t i) {
      const char c = i < text_.size() ? text_[i] : '\0';
      return ignore_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    };
    const char a = lower(at + 1);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return at + 2;
    const char b = lower(at + 2);
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return at + 3;
    if (ignore_case && text_.substr(at + 1).starts_with("\u017F")) return at + 3;
    return at;
  }

  // \s+(?!\S)|\s+ on the whitespace from `at`: before a word the last space is left to it.
  size_t Spaces(size_t at, bool stop_at_newline) const {
    size_t end = at, last = at, newline = at;
    while (end < text_.size()) {
      const Character c = At(end);
      if (c.kind != kSpace && c.kind != kNewline) break;
      last = end;
      end += c.bytes;
      if (c.kind == kNewline) newline = end;
    }
    if (stop_at_newline && newline > at) return newline;  // \s*[\r\n]+
    if (end == text_.size() || last == at) return end;
    return last;
  }

 private:
  std::string_view text_;
};

size_t Gpt2Word(const Scanner& s, std::string_view text, size_t at) {
  if (text[at] == '\'') {
    const size_t end = s.Contraction(at, false);
    if (end != at) return end;
  }
  const auto c = s.At(at);
  size_t begin = at;
  CharClass kind = c.kind;
  if (text[at] == ' ' && at + 1 < text.size()) {
    begin = at + 1;
    kind = s.At(begin).kind;
  }
  if (kind != kSpace && kind != kNewline) return s.Run(begin, kind);
  return s.Spaces(at, false);
}

template <int kMaxDigits>
size_t Llama3Word(const Scanner& s, std::string_view text, size_t at) {
  if (text[at] == '\'') {
    const size_t end = s.Contraction(at, true);
    if (end != at) return end;
  }
  const auto c = s.At(at);
  if (c.kind == kLetter) return s.Run(at, kLetter);
  if (c.kind == kNumber) {
    size_t end = at + c.bytes;
    for (int digits = 1; digits < kMaxDigits && end < text.size(); ++digits) {
      const auto next = s.At(end);
      if (next.kind != kNumber) break;
      end += next.bytes;
    }
    return end;
  }
  if (c.kind != kNewline && s.IsKind(at + c.bytes, kLetter)) return s.Run(at + c.bytes, kLetter);
  const size_t begin = text[at] == ' ' ? at + 1 : at;
  if (s.IsKind(begin, kOther)) return s.Run(s.Run(begin, kOther), kNewline);
  return s.Spaces(at, true);
}

template <typename Word>
void ScanAll(std::string_view text, size_t offset, std::vector<TextRange>* words, Word word) {
  const Scanner scanner(text);
  for (size_t at = 0; at < text.size();) {
    const size_t end = word(scanner, text, at);
    words->push_back({offset + at, offset + end});
    at = end;
  }
}

}  // namespace

KnownPattern RecognizePattern(std::string_view regex) {
  for (const KnownPattern known : {KnownPattern::kGpt2, KnownPattern::kLlama3, KnownPattern::kQwen2}) {
    if (regex == RegexOf(known)) return known;
  }
  return KnownPattern::kNone;
}

std::string_view RegexOf(KnownPattern pattern) {
  switch (pattern) {
    case KnownPattern::kGpt2:
      return kGpt2Regex;
    case KnownPattern::kLlama3:
      return kLlama3Regex;
    case KnownPattern::kQwen2:
      return kQwen2Regex;
    case KnownPattern::kNone:
      break;
  }
  CHECK(false, "no regex for this pattern");
  return {};
}

void ScanWords(KnownPattern pattern, std::string_view text, TextRange range, std::vector<TextRange>* words) {
  const std::string_view stretch = text.substr(range.begin, range.size());
  switch (pattern) {
    case KnownPattern::kGpt2:
      return ScanAll(stretch, range.begin, words, Gpt2Word);
    case KnownPattern::kLlama3:
      return ScanAll(stretch, range.begin, words, Llama3Word<3>);
    case KnownPattern::kQwen2:
      return ScanAll(stretch, range.begin, words, Llama3Word<1>);
    case KnownPattern::kNone:
      break;
  }
  CHECK(false, "no scanner for this pattern");
}

}  // namespace spate
