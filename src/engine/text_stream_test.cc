#include "engine/text_stream.h"

#include <gtest/gtest.h>

#include "engine/test_tokenizer.h"

namespace spate {
namespace {

TEST(TextStream, CharactersComeWhole) {
  const Tokenizer tokenizer = MakeTestTokenizer();
  TextStream text(tokenizer, {});
  std::string out;
  for (const unsigned char byte : std::string("aä")) EXPECT_FALSE(text.Push(byte, out));
  EXPECT_EQ(out, "aä");
  text.Push(0xE2, out);
  text.Push(0x82, out);
  EXPECT_EQ(out, "aä") << "a third of a euro is held back";
  text.Push(0xAC, out);
  EXPECT_EQ(out, "aä€");
}

TEST(TextStream, AStopStringAcrossTokens) {
  const Tokenizer tokenizer = MakeTestTokenizer({" wor", "ld. E", "nd", "of"});
  TextStream text(tokenizer, {". End"});
  std::string out;
  EXPECT_FALSE(text.Push('a', out));
  EXPECT_FALSE(text.Push(257, out));
  EXPECT_FALSE(text.Push(258, out));
  EXPECT_EQ(out, "a world");
  EXPECT_TRUE(text.Push(259, out));
  EXPECT_EQ(out, "a world");
}

TEST(TextStream, WhatWasHeldComesAtTheEnd) {
  const Tokenizer tokenizer = MakeTestTokenizer();
  TextStream text(tokenizer, {"xyz"});
  std::string out;
  for (const char c : std::string("axy")) EXPECT_FALSE(text.Push(c, out));
  EXPECT_EQ(out, "a");
  EXPECT_FALSE(text.Push(0xC3, out));
  EXPECT_FALSE(text.Finish(out));
  EXPECT_EQ(out, "axy\xEF\xBF\xBD") << "half a character is a replacement character";
}

TEST(TextStream, AStopStringInWhatWasHeld) {
  const Tokenizer tokenizer = MakeTestTokenizer();
  TextStream text(tokenizer, {"\xEF\xBF\xBD"});
  std::string out;
  EXPECT_FALSE(text.Push('a', out));
  EXPECT_FALSE(text.Push(0xC3, out));
  EXPECT_TRUE(text.Finish(out));
  EXPECT_EQ(out, "a");
}

TEST(TextStream, SpecialTokensAreNoText) {
  const Tokenizer tokenizer = MakeTestTokenizer();
  TextStream text(tokenizer, {});
  std::string out;
  text.Push('a', out);
  text.Push(kTestEos, out);
  text.Push(100000, out);
  text.Push('b', out);
  EXPECT_EQ(out, "ab");
}

}  // namespace
}  // namespace spate
