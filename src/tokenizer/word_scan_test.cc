#include "tokenizer/word_scan.h"

#include <gtest/gtest.h>

#include <random>

#include "base/utf8.h"

namespace spate {
namespace {

std::vector<std::string> Scanned(KnownPattern pattern, const std::string& text) {
  std::vector<TextRange> ranges;
  ScanWords(pattern, text, {0, text.size()}, &ranges);
  std::vector<std::string> words;
  for (const TextRange& r : ranges) words.push_back(text.substr(r.begin, r.size()));
  return words;
}

std::vector<std::string> Matched(const Regex& regex, const std::string& text) {
  std::vector<std::string> words;
  RegexRun run(regex, text);
  for (TextRange r; run.Next(&r);) words.push_back(text.substr(r.begin, r.size()));
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
  const std::string_view common[] = {" ",   "  ",      "\n", "\r\n", "\t", "'", "'s", "'LL",
                                     "'Re", "'\u017F", "a",  "word", "1",  "!", ".\n"};
  const Regex regex(RegexOf(GetParam()));
  std::mt19937 random(1);
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (size_t i = below(24); i > 0; --i) {
      if (below(2) == 0) {
        text += common[below(std::size(common))];
      } else {
        const auto [first, last] = kBlocks[below(std::size(kBlocks))];
        AppendUtf8(text, first + static_cast<char32_t>(below(last - first + 1)));
      }
    }
    ASSERT_EQ(Scanned(GetParam(), text), Matched(regex, text)) << testing::PrintToString(text);
  }
}

TEST_P(WordScan, IsRecognised) {
  EXPECT_EQ(RecognizePattern(RegexOf(GetParam())), GetParam());
  EXPECT_EQ(RecognizePattern(std::string(RegexOf(GetParam())) + " "), KnownPattern::kNone);
}

INSTANTIATE_TEST_SUITE_P(Patterns, WordScan,
                         ::testing::Values(KnownPattern::kGpt2, KnownPattern::kLlama3, KnownPattern::kQwen2));

TEST(WordScan, Examples) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(Scanned(KnownPattern::kGpt2, "It's 12345  o'clock"),
            (Words{"It", "'s", " 12345", " ", " o", "'", "clock"}));
  EXPECT_EQ(Scanned(KnownPattern::kLlama3, "It'S 12345\n\n x"), (Words{"It", "'S", " ", "123", "45", "\n\n", " x"}));
  EXPECT_EQ(Scanned(KnownPattern::kQwen2, "a=12;\n  b"), (Words{"a", "=", "1", "2", ";\n", " ", " b"}));
}

}  // namespace
}  // namespace spate
