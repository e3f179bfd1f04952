#include "tokenizer/word_scan.h"

#include <gtest/gtest.h>

#include <random>

#include "base/utf8.h"

namespace spate {
namespace {

std::vector<std::string> Scanned(KnownPattern pattern, const std::string& text, size_t max_words = SIZE_MAX) {
  std::vector<TextRange> ranges;
  for (size_t at = 0; at < text.size();) {
    std::vector<TextRange> some;
    at = ScanWords(pattern, text, {at, text.size()}, max_words, &some);
    ranges.insert(ranges.end(), some.begin(), some.end());
  }
  std::vector<std::string> words;
  for (const TextRange& r : ranges) words.push_back(text.substr(r.begin, r.size()));
  return words;
}

// Matches and the gaps between them.
std::vector<std::string> Matched(const Regex& regex, const std::string& text) {
  std::vector<std::string> words;
  size_t kept = 0;
  const auto add_gap = [&](size_t end) {
    if (kept < end) words.push_back(text.substr(kept, end - kept));
  };
  RegexRun run(regex, text);
  for (TextRange r; run.Next(&r);) {
    add_gap(r.begin);
    words.push_back(text.substr(r.begin, r.size()));
    kept = r.end;
  }
  add_gap(text.size());
  return words;
}

class WordScan : public ::testing::TestWithParam<KnownPattern> {};

TEST_P(WordScan, IsThePattern) {
  // Blocks whose characters have had their categories since long before the Unicode versions of both libraries.
  constexpr std::pair<char32_t, char32_t> kBlocks[] = {
      {0x00, 0x7F},     {0x80, 0x24F},    {0x300, 0x36F},   {0x391, 0x3A1},     {0x410, 0x44F},     {0x5D0, 0x5EA},
      {0x660, 0x669},   {0x904, 0x939},   {0x1680, 0x1680}, {0x180B, 0x180E},   {0x2000, 0x206F},   {0x2070, 0x2071},
      {0x2150, 0x2188}, {0x2460, 0x24FF}, {0x3000, 0x303F}, {0x3041, 0x3096},   {0x4E00, 0x4EFF},   {0xAC00, 0xACFF},
      {0xFB00, 0xFB06}, {0xFF01, 0xFF5E}, {0xFEFF, 0xFEFF}, {0x1F300, 0x1F5FF}, {0x20000, 0x200FF}, {0xE000, 0xE010}};
  // Also a title letter, a modifier, letters without case and marks: some patterns tell them apart.
  const std::string_view common[] = {" ",      "  ",      "\n",     "\r\n",   "\t",     "'",      "'s",     "'LL",
                                     "'Re",    "'\u017F", "a",      "word",   "A",      "WORD",   "Word",   "1",
                                     "!",      ".\n",     "/",      "\n/",    "\u0301", "\u01C5", "\u02B0", "\u4E2D",
                                     "\u3042", "\u30FB",  "\u0001", "\u200D", "_x",     "\u00A0"};
  std::vector<Regex> regexes;
  for (const std::string_view spelling : SpellingsOf(GetParam())) regexes.emplace_back(spelling);
  std::mt19937 random(1);
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  for (int round = 0; round < 12000; ++round) {
    std::string text;
    for (size_t i = below(24); i > 0; --i) {
      if (below(2) == 0) {
        text += common[below(std::size(common))];
      } else {
        const auto [first, last] = kBlocks[below(std::size(kBlocks))];
        AppendUtf8(text, first + static_cast<char32_t>(below(last - first + 1)));
      }
    }
    const std::vector<std::string> words = Scanned(GetParam(), text);
    for (const Regex& regex : regexes) ASSERT_EQ(words, Matched(regex, text)) << testing::PrintToString(text);
    ASSERT_EQ(Scanned(GetParam(), text, 1 + below(3)), words) << testing::PrintToString(text);
    if (LeavesNoGap(GetParam())) {
      size_t matched = 0;
      RegexRun run(regexes[0], text);
      for (TextRange r; run.Next(&r);) matched += r.size();
      ASSERT_EQ(matched, text.size()) << testing::PrintToString(text);
    }
  }
}

TEST_P(WordScan, IsRecognised) {
  for (const std::string_view spelling : SpellingsOf(GetParam())) EXPECT_EQ(RecognizePattern(spelling), GetParam());
  EXPECT_EQ(RecognizePattern(std::string(RegexOf(GetParam())) + " "), KnownPattern::kNone);
}

INSTANTIATE_TEST_SUITE_P(Patterns, WordScan, ::testing::ValuesIn(kKnownPatterns));

TEST(WordScan, Examples) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(Scanned(KnownPattern::kGpt2, "It's 12345  o'clock"),
            (Words{"It", "'s", " 12345", " ", " o", "'", "clock"}));
  EXPECT_EQ(Scanned(KnownPattern::kLlama3, "It'S 12345\n\n x"), (Words{"It", "'S", " ", "123", "45", "\n\n", " x"}));
  EXPECT_EQ(Scanned(KnownPattern::kO200k, "HelloWorld's HTTPServer //x 1234"),
            (Words{"Hello", "World's", " HTTPServer", " //", "x", " ", "123", "4"}));
  EXPECT_EQ(Scanned(KnownPattern::kTekken, "don't 12"), (Words{"don", "'t", " ", "1", "2"}));
  EXPECT_EQ(Scanned(KnownPattern::kQwen35, "e\u0301e!"), (Words{"e\u0301e", "!"}));
  EXPECT_EQ(Scanned(KnownPattern::kDeepSeek, "a.b_c \x01\x02 +"), (Words{"a", ".b", "_c", " ", "\x01\x02", " +"}));
  EXPECT_EQ(Scanned(KnownPattern::kQwen2, "a=12;\n  b"), (Words{"a", "=", "1", "2", ";\n", " ", " b"}));
}

}  // namespace
}  // namespace spate
