#include "base/utf8.h"

#include <gtest/gtest.h>

namespace spate {
namespace {

TEST(Utf8, EveryScalarValueComesBack) {
  for (char32_t c = 0; c <= 0x10ffff; ++c) {
    if (c >= 0xd800 && c <= 0xdfff) continue;
    std::string text;
    AppendUtf8(text, c);
    const Utf8Char decoded = DecodeUtf8(text, 0);
    ASSERT_EQ(decoded.code_point, c);
    ASSERT_EQ(static_cast<size_t>(decoded.length), text.size());
    ASSERT_TRUE(IsValidUtf8(text));
    // Every cut of it is incomplete, never valid.
    for (size_t cut = 1; cut < text.size(); ++cut) {
      ASSERT_EQ(ValidUtf8Prefix(std::string_view(text).substr(0, cut)), 0u);
      ASSERT_EQ(IncompleteUtf8Tail(std::string_view(text).substr(0, cut)), cut);
    }
    ASSERT_EQ(IncompleteUtf8Tail(text), 0u);
  }
}

// Against the definition: all 1- to 3-byte strings; valid exactly when some scalar value encodes to them.
TEST(Utf8, NothingElseIsValid) {
  size_t valid2 = 0, valid3 = 0;
  for (unsigned a = 0x80; a < 256; ++a) {
    EXPECT_FALSE(IsValidUtf8(std::string{static_cast<char>(a)}));
    for (unsigned b = 0; b < 256; ++b) {
      const std::string two{static_cast<char>(a), static_cast<char>(b)};
      valid2 += DecodeUtf8(two, 0).length == 2 ? 1 : 0;
      for (unsigned c = 0; c < 256; ++c) {
        const char three[3] = {static_cast<char>(a), static_cast<char>(b), static_cast<char>(c)};
        valid3 += DecodeUtf8({three, 3}, 0).length == 3 ? 1 : 0;
      }
    }
  }
  EXPECT_EQ(valid2, 0x800u - 0x80u);
  EXPECT_EQ(valid3, 0x10000u - 0x800u - 0x800u);
  for (const char* bad : {"\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xed\xa0\x80", "\xed\xbf\xbf",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xff"}) {
    EXPECT_EQ(ValidUtf8Prefix(bad), 0u);
    EXPECT_EQ(DecodeUtf8(bad, 0).length, 0);
  }
}

// Validation walks in blocks where it can: a string means the same wherever it lies in them.
TEST(Utf8, ValidityDoesNotDependOnThePlace) {
  const std::string valid[] = {"\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
  const std::string invalid[] = {
      "\x80",    "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
      "\xe2\x82"};
  for (size_t before = 0; before < 70; ++before) {
    const std::string start(before, 'a'), end(70 - before, 'z');
    for (const std::string& text : valid) ASSERT_TRUE(IsValidUtf8(start + text + end)) << before;
    for (const std::string& text : invalid) {
      ASSERT_FALSE(IsValidUtf8(start + text + end)) << before;
      ASSERT_FALSE(IsValidUtf8(start + text)) << before;
      ASSERT_EQ(ValidUtf8Prefix(start + text + end), before);
    }
  }
}

TEST(Utf8, PositionOfTheFirstInvalidByte) {
  EXPECT_EQ(ValidUtf8Prefix(""), 0u);
  EXPECT_EQ(ValidUtf8Prefix("abc"), 3u);
  EXPECT_EQ(ValidUtf8Prefix("a\xc3\xa4\xff"), 3u);
  EXPECT_EQ(ValidUtf8Prefix("a\xe2\x82"), 1u);
  EXPECT_EQ(ValidUtf8Prefix(std::string_view("a\0b", 3)), 3u);
  EXPECT_EQ(DecodeUtf8("abc", 3).length, 0);
  EXPECT_EQ(DecodeUtf8("abc", 99).length, 0);
}

TEST(Utf8, IncompleteTail) {
  EXPECT_EQ(IncompleteUtf8Tail(""), 0u);
  EXPECT_EQ(IncompleteUtf8Tail("abc"), 0u);
  EXPECT_EQ(IncompleteUtf8Tail("a\xf0\x9f\x98"), 3u);
  EXPECT_EQ(IncompleteUtf8Tail("\xe2\x82\xac\xe2"), 1u);
  EXPECT_EQ(IncompleteUtf8Tail("a\x80"), 0u) << "no byte to come makes it valid";
  EXPECT_EQ(IncompleteUtf8Tail("\xed\xa0"), 0u);
  EXPECT_EQ(IncompleteUtf8Tail("\xff"), 0u);
}

// Expected values: Python 3.11, bytes.decode("utf-8", "replace").
TEST(Utf8, ReplacesMaximalParts) {
  EXPECT_EQ(ReplaceInvalidUtf8("a\xff"
                               "b"),
            "a\uFFFDb");
  EXPECT_EQ(ReplaceInvalidUtf8("\xf0\x9f\x98"), "\uFFFD");
  EXPECT_EQ(ReplaceInvalidUtf8("\xf0\x9f\x98x"), "\uFFFDx");
  EXPECT_EQ(ReplaceInvalidUtf8("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(ReplaceInvalidUtf8("\xe2\x82\xe2\x82\xac"), "\uFFFD\u20AC");
  EXPECT_EQ(ReplaceInvalidUtf8("\xc0\x80"), "\uFFFD\uFFFD");
}

TEST(Utf8, OneLine) {
  EXPECT_EQ(OneLine("a\nb\tc\x1b[31m\x7f", 100), "a\\nb\\tc\\x1b[31m\\x7f");
  EXPECT_EQ(OneLine("\xff\u00e4\u2028", 100), "\\xff\u00e4\\u2028");
  EXPECT_EQ(OneLine("\u0085", 100), "\\u0085") << "NEL ends a line too";
  EXPECT_EQ(OneLine("abcdef", 3), "abc...");
  EXPECT_EQ(OneLine("abc", 3), "abc");
  EXPECT_EQ(OneLine("\u20ac\u20ac", 2), "\u20ac...");
}

TEST(Utf8DeathTest, AppendChecks) {
  std::string out;
  EXPECT_EXIT(AppendUtf8(out, 0xd800), testing::ExitedWithCode(1), "U\\+D800");
  EXPECT_EXIT(AppendUtf8(out, 0x110000), testing::ExitedWithCode(1), "U\\+110000");
}

}  // namespace
}  // namespace spate
