#include "tokenizer/word_scan.h"

#include <algorithm>

#include "base/check.h"
#include "tokenizer/unicode.h"

namespace spate {
namespace {

constexpr std::string_view kGpt2Regexes[] = {
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
    R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"};
// The second is how cl100k_base is defined; \s*[\r\n] ends at the last newline of the run too.
constexpr std::string_view kLlama3Regexes[] = {
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)"};
constexpr std::string_view kQwen2Regexes[] = {
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr std::string_view kQwen35Regexes[] = {
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr std::string_view kO200kRegexes[] = {
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr std::string_view kTekkenRegexes[] = {
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr std::string_view kDeepSeekRegexes[] = {
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr std::string_view kNumbersOfThreeRegexes[] = {R"(\p{N}{1,3})"};
constexpr std::string_view kHanAndKanaRegexes[] = {"[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+"};

bool IsAsciiLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Reads one stretch of text; every function takes a position and returns where its match ends.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text), table_(CharTable::Get()) {}

  struct Character {
    uint8_t traits;
    uint32_t bytes;
    CharClass kind() const { return static_cast<CharClass>(traits & kClassBits); }
  };
  Character At(size_t at) const {
    const CodePoint c = ReadCodePoint(text_, at);
    return {table_[c.value], c.bytes};
  }

  // While `belongs`(traits).
  template <typename Belongs>
  size_t RunWhile(size_t at, const Belongs& belongs) const {
    while (at < text_.size()) {
      const Character c = At(at);
      if (!belongs(c.traits)) break;
      at += c.bytes;
    }
    return at;
  }
  size_t Run(size_t at, CharClass kind) const {
    return RunWhile(at, [kind](uint8_t traits) { return (traits & kClassBits) == kind; });
  }
  size_t Numbers(size_t at, int most) const {
    for (int digits = 0; digits < most && at < text_.size(); ++digits) {
      const Character c = At(at);
      if (c.kind() != kNumber) break;
      at += c.bytes;
    }
    return at;
  }
  // Newlines, and slashes where they count.
  size_t Newlines(size_t at, bool or_slash) const {
    while (at < text_.size() && (text_[at] == '\r' || text_[at] == '\n' || (or_slash && text_[at] == '/'))) ++at;
    return at;
  }

  uint8_t TraitsAt(size_t at) const { return at < text_.size() ? At(at).traits : uint8_t{kNewline}; }

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
      if (c.kind() != kSpace && c.kind() != kNewline) break;
      last = end;
      end += c.bytes;
      if (c.kind() == kNewline) newline = end;
    }
    if (stop_at_newline && newline > at) return newline;  // \s*[\r\n]+
    if (end == text_.size() || last == at) return end;
    return last;
  }

 private:
  std::string_view text_;
  const CharTable& table_;
};

size_t Gpt2Word(const Scanner& s, std::string_view text, size_t at) {
  if (text[at] == '\'') {
    const size_t end = s.Contraction(at, false);
    if (end != at) return end;
  }
  size_t begin = at;
  CharClass kind = s.At(at).kind();
  if (text[at] == ' ' && at + 1 < text.size()) {
    begin = at + 1;
    kind = s.At(begin).kind();
  }
  if (kind != kSpace && kind != kNewline) return s.Run(begin, kind);
  return s.Spaces(at, false);
}

template <int kMaxDigits, bool kMarksAreLetters>
size_t Llama3Word(const Scanner& s, std::string_view text, size_t at) {
  constexpr auto kIsLetter = [](uint8_t traits) {
    return (traits & kClassBits) == kLetter || (kMarksAreLetters && (traits & kMarkBit) != 0);
  };
  const auto is_other = [&](uint8_t traits) { return (traits & kClassBits) == kOther && !kIsLetter(traits); };
  if (text[at] == '\'') {
    const size_t end = s.Contraction(at, true);
    if (end != at) return end;
  }
  const auto c = s.At(at);
  if (kIsLetter(c.traits)) return s.RunWhile(at, kIsLetter);
  if (c.kind() == kNumber) return s.Numbers(at, kMaxDigits);
  if (c.kind() != kNewline && kIsLetter(s.TraitsAt(at + c.bytes))) return s.RunWhile(at + c.bytes, kIsLetter);
  const size_t begin = text[at] == ' ' ? at + 1 : at;
  if (is_other(s.TraitsAt(begin))) return s.Newlines(s.RunWhile(begin, is_other), false);
  return s.Spaces(at, true);
}

// Capitals, then small letters; letters without case and marks count as both. Where the match ends if the word, with
// the character before it that it may take, begins at `at`; `at` if there is none.
//
// Behind [capitals]* [small]+ must find something: what follows the capitals, or else the last of them that counts as
// both. Only where there is neither do [capitals]+ stand alone.
size_t CasedWord(const Scanner& s, size_t at) {
  const auto c = s.At(at);
  const bool takes_first = c.kind() == kOther || c.kind() == kSpace;
  const size_t begin = takes_first ? at + c.bytes : at;
  size_t shared_end = begin;  // behind the last letter that counts as both
  const auto is_shared = [](uint8_t t) {
    return (t & kMarkBit) != 0 || ((t & kClassBits) == kLetter && (t & (kUpperBit | kLowerBit)) == 0);
  };
  size_t end = begin;
  for (uint8_t t; (t = s.TraitsAt(end), (t & kUpperBit) != 0 || is_shared(t));) {
    end += s.At(end).bytes;
    if (is_shared(t)) shared_end = end;
  }
  if ((s.TraitsAt(end) & kLowerBit) != 0) {
    return s.RunWhile(end, [&](uint8_t t) { return (t & kLowerBit) != 0 || is_shared(t); });
  }
  if (shared_end > begin) return shared_end;
  if ((c.traits & kMarkBit) != 0) return begin;  // the mark is a word when it cannot be a word's first character
  return end > begin ? end : at;
}

template <int kMaxDigits, bool kContractions>
size_t O200kWord(const Scanner& s, std::string_view text, size_t at) {
  const CharClass kind = s.At(at).kind();
  if (kind == kNumber) return s.Numbers(at, kMaxDigits);
  if (kind != kNewline) {
    const size_t end = CasedWord(s, at);
    if (end > at) return kContractions && end < text.size() && text[end] == '\'' ? s.Contraction(end, true) : end;
  }
  const size_t begin = text[at] == ' ' ? at + 1 : at;
  if (begin < text.size() && s.At(begin).kind() == kOther) return s.Newlines(s.Run(begin, kOther), true);
  return s.Spaces(at, true);
}

size_t DeepSeekWord(const Scanner& s, std::string_view text, size_t at) {
  constexpr auto kIsLetter = [](uint8_t t) { return (t & kClassBits) == kLetter || (t & kMarkBit) != 0; };
  constexpr auto kIsPunctuation = [](uint8_t t) { return (t & kPunctuationBit) != 0; };
  const auto c = s.At(at);
  if (c.bytes == 1 && kIsPunctuation(c.traits) && at + 1 < text.size() && IsAsciiLetter(text[at + 1])) {
    size_t end = at + 2;
    while (end < text.size() && IsAsciiLetter(text[end])) ++end;
    return end;
  }
  if (kIsLetter(c.traits)) return s.RunWhile(at, kIsLetter);
  if (c.kind() != kNewline && !kIsPunctuation(c.traits) && kIsLetter(s.TraitsAt(at + c.bytes))) {
    return s.RunWhile(at + c.bytes, kIsLetter);
  }
  const size_t begin = text[at] == ' ' ? at + 1 : at;
  if (kIsPunctuation(s.TraitsAt(begin))) return s.Newlines(s.RunWhile(begin, kIsPunctuation), false);
  if (c.kind() == kSpace || c.kind() == kNewline) return s.Spaces(at, true);
  return at;
}

size_t NumbersOfThree(const Scanner& s, std::string_view, size_t at) { return s.Numbers(at, 3); }

size_t HanAndKana(const Scanner&, std::string_view text, size_t at) {
  while (at < text.size()) {
    const CodePoint c = ReadCodePoint(text, at);
    if (!(c.value >= 0x3040 && c.value <= 0x30FF) && !(c.value >= 0x4E00 && c.value <= 0x9FA5)) break;
    at += c.bytes;
  }
  return at;
}

// Where `word` finds nothing it returns the position that it was given.
template <typename Word>
size_t ScanAll(std::string_view text, size_t offset, size_t max_words, std::vector<TextRange>* words, Word word) {
  const Scanner scanner(text);
  size_t at = 0, kept = 0;
  while (at < text.size() && words->size() < max_words) {
    const size_t end = word(scanner, text, at);
    if (end == at) {
      at += ReadCodePoint(text, at).bytes;
      continue;
    }
    if (kept < at) words->push_back({offset + kept, offset + at});
    words->push_back({offset + at, offset + end});
    at = kept = end;
  }
  if (kept < at) words->push_back({offset + kept, offset + at});
  return offset + at;
}

}  // namespace

KnownPattern RecognizePattern(std::string_view regex) {
  for (const KnownPattern known : kKnownPatterns) {
    if (std::ranges::find(SpellingsOf(known), regex) != SpellingsOf(known).end()) return known;
  }
  return KnownPattern::kNone;
}

std::span<const std::string_view> SpellingsOf(KnownPattern pattern) {
  switch (pattern) {
    case KnownPattern::kGpt2:
      return kGpt2Regexes;
    case KnownPattern::kLlama3:
      return kLlama3Regexes;
    case KnownPattern::kQwen2:
      return kQwen2Regexes;
    case KnownPattern::kQwen35:
      return kQwen35Regexes;
    case KnownPattern::kO200k:
      return kO200kRegexes;
    case KnownPattern::kTekken:
      return kTekkenRegexes;
    case KnownPattern::kDeepSeek:
      return kDeepSeekRegexes;
    case KnownPattern::kNumbersOfThree:
      return kNumbersOfThreeRegexes;
    case KnownPattern::kHanAndKana:
      return kHanAndKanaRegexes;
    case KnownPattern::kNone:
      break;
  }
  CHECK(false, "no regex for this pattern");
  return {};
}

bool LeavesNoGap(KnownPattern pattern) {
  return pattern != KnownPattern::kDeepSeek && pattern != KnownPattern::kNumbersOfThree &&
         pattern != KnownPattern::kHanAndKana;
}

size_t ScanWords(KnownPattern pattern, std::string_view text, TextRange range, size_t max_words,
                 std::vector<TextRange>* words) {
  const std::string_view stretch = text.substr(range.begin, range.size());
  const auto scan = [&](auto word) { return ScanAll(stretch, range.begin, max_words, words, word); };
  switch (pattern) {
    case KnownPattern::kGpt2:
      return scan(Gpt2Word);
    case KnownPattern::kLlama3:
      return scan(Llama3Word<3, false>);
    case KnownPattern::kQwen2:
      return scan(Llama3Word<1, false>);
    case KnownPattern::kQwen35:
      return scan(Llama3Word<1, true>);
    case KnownPattern::kO200k:
      return scan(O200kWord<3, true>);
    case KnownPattern::kTekken:
      return scan(O200kWord<1, false>);
    case KnownPattern::kDeepSeek:
      return scan(DeepSeekWord);
    case KnownPattern::kNumbersOfThree:
      return scan(NumbersOfThree);
    case KnownPattern::kHanAndKana:
      return scan(HanAndKana);
    case KnownPattern::kNone:
      break;
  }
  CHECK(false, "no scanner for this pattern");
  return range.end;
}

}  // namespace spate
