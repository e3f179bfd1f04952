#include <gtest/gtest.h>

#include "base/error.h"
#include "tokenizer/tokenizer.h"

namespace spate {
namespace {

using Ids = std::vector<int32_t>;

Vocabulary Words() {
  Vocabulary v;
  v.model = ModelKind::kWordPiece;
  v.tokens = {"[UNK]", "un", "##aff", "##able", "unaffa", "##ble", "\u00e9", "##\u00e9", "##", "##x", "a"};
  v.kinds.assign(v.tokens.size(), TokenKind::kModel);
  v.unk = 0;
  v.subword_prefix = "##";
  v.pre_tokenizer = {SplitPattern{{" ", false}, SplitBehavior::kRemoved, false}};
  v.decoder = {DecodeWordPiece{"##", true}};
  return v;
}

std::string Refusal(const Vocabulary& v) {
  try {
    const Tokenizer tokenizer(v);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadInput);
    return error.what();
  }
  return "accepted";
}

TEST(WordPiece, TakesTheLongestTokenFirst) {
  const Tokenizer t(Words());
  EXPECT_EQ(t.kind(), "WordPiece");
  EXPECT_EQ(t.Encode("unaffable"), (Ids{4, 5}));  // though un ##aff ##able would do
  EXPECT_EQ(t.Encode("unaff un"), (Ids{1, 2, 1}));
  EXPECT_EQ(t.Encode("\u00e9\u00e9"), (Ids{6, 7}));
  EXPECT_EQ(t.Decode(Ids{4, 5, 1, 2}, false), "unaffable unaff");
  EXPECT_EQ(t.Encode(""), Ids{});
}

TEST(WordPiece, AWordThatIsNotCoveredIsOneUnk) {
  const Tokenizer t(Words());
  EXPECT_EQ(t.Encode("unaffzz un"), (Ids{0, 1}));
  EXPECT_EQ(t.Encode("unaffaff"), Ids{0});  // behind unaffa, though un ##aff ##aff would do
  EXPECT_EQ(t.Encode("ble x"), (Ids{0, 0}));
  EXPECT_EQ(t.Encode("##x##"), Ids{0});
}

TEST(WordPiece, ATokenThatGoesOnMayAlsoBegin) {
  const Tokenizer t(Words());
  EXPECT_EQ(t.Encode("##x ##"), (Ids{9, 8}));
  EXPECT_EQ(t.Encode("a##"), Ids{0});  // "##" stands for no text behind the start
}

TEST(WordPiece, LongWordsAreUnkByCharacters) {
  Vocabulary v = Words();
  v.max_word_characters = 3;
  const Tokenizer t(v);
  EXPECT_EQ(t.Encode("\u00e9\u00e9\u00e9"), (Ids{6, 7, 7}));
  EXPECT_EQ(t.Encode("\u00e9\u00e9\u00e9\u00e9 unaff"), (Ids{0, 0}));
}

TEST(WordPiece, PrefixMayBeEmptyOrUnused) {
  Vocabulary v = Words();
  v.subword_prefix.clear();
  v.tokens = {"[UNK]", "a", "ab", "b", "c", "d", "e", "f", "g", "h", "i"};
  EXPECT_EQ(Tokenizer(v).Encode("abba"), (Ids{2, 3, 1}));
  v.subword_prefix = "@@";
  EXPECT_EQ(Tokenizer(v).Encode("ab abb"), (Ids{2, 0}));
}

TEST(WordPiece, RefusesWhatItCannotUse) {
  Vocabulary v = Words();
  v.unk = -1;
  EXPECT_EQ(Refusal(v), "tokenizer: a WordPiece model without an unk token");
  v.unk = 11;
  EXPECT_NE(Refusal(v), "accepted");
  v = Words();
  v.kinds[0] = TokenKind::kAbsent;  // an added token is none of the model's
  v.added = {{.id = 0, .text = "[UNK]", .special = true}};
  EXPECT_NE(Refusal(v).find("without an unk token"), std::string::npos);
  v = Words();
  v.tokens[2] = "un";
  EXPECT_EQ(Refusal(v), "tokenizer: tokens 1 and 2 are both 'un'");
  v = Words();
  v.spelling = TokenSpelling::kBytes;
  v.pre_tokenizer = {SplitByteLevel{}};
  EXPECT_EQ(Refusal(v), "tokenizer: WordPiece behind a ByteLevel pre-tokenizer is not supported");
}

}  // namespace
}  // namespace spate
