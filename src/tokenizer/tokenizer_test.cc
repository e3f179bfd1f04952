#include "tokenizer/tokenizer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>

#include "base/error.h"
#include "tokenizer/detokenizer.h"

namespace spate {
namespace {

using Ids = std::vector<int32_t>;

// Bytes 0 to 255, then merges of letters, then two added tokens.
Vocabulary ByteVocabulary() {
  Vocabulary v;
  v.spelling = TokenSpelling::kBytes;
  for (int b = 0; b < 256; ++b) v.tokens.emplace_back(1, static_cast<char>(b));
  const auto merge = [&](int32_t left, int32_t right) {
    v.merges.push_back({left, right, static_cast<int32_t>(v.tokens.size())});
    v.tokens.push_back(v.tokens[static_cast<size_t>(left)] + v.tokens[static_cast<size_t>(right)]);
  };
  merge('h', 'e');  // 256
  merge('l', 'l');  // 257
  merge(256, 257);  // 258 hell
  merge(258, 'o');  // 259 hello
  merge(' ', 'h');  // 260, weaker than "he"
  merge('a', 'a');  // 261
  merge(261, 261);  // 262 aaaa
  v.kinds.assign(v.tokens.size(), TokenKind::kModel);
  for (const char* text : {"<s>", "</s>"}) {
    v.added.push_back({.id = static_cast<int32_t>(v.tokens.size()), .text = text, .special = true});
    v.tokens.emplace_back();
    v.kinds.push_back(TokenKind::kAbsent);
  }
  v.bos = 263;
  v.eos = {264};
  v.pre_tokenizer = {SplitByteLevel{false, true}};
  v.post_processor = {{.is_text = false, .ids = {263}}, {.is_text = true, .ids = {}}};
  v.decoder = {DecodeByteLevel{}};
  return v;
}

// Characters and byte tokens as Llama 2 has them.
Vocabulary FallbackVocabulary() {
  Vocabulary v;
  v.tokens = {"<unk>"};
  for (int b = 0; b < 256; ++b) v.tokens.push_back(fmt::format("<0x{:02X}>", b));
  for (const char* text : {"\u2581", "a", "b", "ab", "\u2581ab", "\u2581\u2581"}) v.tokens.emplace_back(text);
  v.merges = {{258, 259, 260}, {257, 260, 261}, {257, 257, 262}};
  v.kinds.assign(v.tokens.size(), TokenKind::kModel);
  v.unk = 0;
  v.fuse_unk = v.byte_fallback = true;
  v.normalizer = {NormalizePrepend{"\u2581"}, NormalizeReplace{{" ", false}, "\u2581"}};
  v.decoder = {DecodeReplace{{"\u2581", false}, " "}, DecodeByteFallback{}, DecodeFuse{}, DecodeStrip{" ", 1, 0}};
  return v;
}

TEST(Tokenizer, MergesByRankThenFromTheLeft) {
  const Tokenizer tokenizer(ByteVocabulary());
  EXPECT_EQ(tokenizer.Encode("hello", {.add_special = false}), Ids{259});
  EXPECT_EQ(tokenizer.Encode(" hello", {.add_special = false}), (Ids{' ', 259}));  // "he" wins over " h"
  EXPECT_EQ(tokenizer.Encode(" ho", {.add_special = false}), (Ids{260, 'o'}));
  EXPECT_EQ(tokenizer.Encode("aaaaaaa", {.add_special = false}), (Ids{262, 261, 'a'}));
}

TEST(Tokenizer, SpecialTokens) {
  const Tokenizer tokenizer(ByteVocabulary());
  EXPECT_EQ(tokenizer.Encode("a</s>"), (Ids{263, 'a', 264}));
  EXPECT_EQ(tokenizer.Encode("", {}), Ids{263});
  EXPECT_EQ(tokenizer.Encode("</s>", {.add_special = false, .parse_special = false}), (Ids{'<', '/', 's', '>'}));
  EXPECT_EQ(tokenizer.Decode(Ids{263, 'a', 264}, false), "<s>a</s>");
  EXPECT_EQ(tokenizer.Decode(Ids{263, 'a', 264}, true), "a");
  EXPECT_TRUE(tokenizer.IsSpecial(264));
  EXPECT_FALSE(tokenizer.IsSpecial('a'));
  EXPECT_FALSE(tokenizer.IsSpecial(-1));
  EXPECT_TRUE(tokenizer.IsEos(264));
  EXPECT_EQ(tokenizer.bos(), 263);
  EXPECT_EQ(tokenizer.pad(), std::nullopt);
  EXPECT_EQ(tokenizer.TokenText(264), "</s>");
  EXPECT_EQ(tokenizer.TokenText(259), "hello");
  EXPECT_EQ(tokenizer.TokenText(1 << 30), "");
  EXPECT_EQ(tokenizer.TokenId("</s>"), 264);
  EXPECT_EQ(tokenizer.TokenId("hello"), 259);
  EXPECT_EQ(tokenizer.TokenId("none"), std::nullopt);
  EXPECT_EQ(tokenizer.vocab_size(), 265);
  EXPECT_EQ(tokenizer.kind(), "byte-level BPE");
}

TEST(Tokenizer, NamesTheInvalidByte) {
  const Tokenizer tokenizer(ByteVocabulary());
  try {
    tokenizer.Encode("ab\xFFz");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kBadInput);
    EXPECT_STREQ(e.what(), "text is not valid UTF-8: byte 0xff at offset 2 of 4");
  }
  for (const std::string_view bad : {"\xC3", "\xED\xA0\x80", "\xC0\xAF", "\xF5\x80\x80\x80", "\x80"}) {
    EXPECT_THROW(tokenizer.Encode(bad), Error);
  }
  EXPECT_EQ(tokenizer.Encode(std::string("\0", 1), {.add_special = false}), Ids{0});
}

TEST(Tokenizer, DecodeRefusesUnknownIds) {
  const Tokenizer tokenizer(ByteVocabulary());
  EXPECT_THROW(tokenizer.Decode(Ids{265}, false), Error);
  EXPECT_THROW(tokenizer.Decode(Ids{-1}, false), Error);
}

TEST(Tokenizer, LongWordsEqualShortOnes) {
  // Both ways of merging on one text: as a word of its own, and cut by words that nothing merges with.
  const Tokenizer tokenizer(ByteVocabulary());
  for (int n = 1; n < 300; ++n) {
    Ids expected;
    for (int left = n; left > 0;) {
      const int step = left >= 4 ? 4 : left >= 2 ? 2 : 1;
      expected.push_back(step == 4 ? 262 : step == 2 ? 261 : 'a');
      left -= step;
    }
    ASSERT_EQ(tokenizer.Encode(std::string(static_cast<size_t>(n), 'a'), {.add_special = false}), expected) << n;
  }
}

TEST(Tokenizer, TimeGrowsWithTheText) {
  const Tokenizer bytes(ByteVocabulary());
  const Tokenizer fallback(FallbackVocabulary());
  const auto start = std::chrono::steady_clock::now();
  for (const std::string_view unit : {"a", " ", "ab ", "\u0301", "\U0001F642", "<"}) {
    std::string text;
    while (text.size() < 500'000) text += unit;
    EXPECT_GT(bytes.Encode(text).size(), 100'000u);
    EXPECT_GT(fallback.Encode(text).size(), 100'000u);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));  // quadratic: hours
}

TEST(Tokenizer, ByteFallback) {
  const Tokenizer tokenizer(FallbackVocabulary());
  EXPECT_EQ(tokenizer.Encode("ab  ab"), (Ids{261, 257, 261}));
  EXPECT_EQ(tokenizer.Encode("a\u00E9"), (Ids{257, 258, 1 + 0xC3, 1 + 0xA9}));
  EXPECT_EQ(tokenizer.Decode(Ids{257, 258, 1 + 0xC3, 1 + 0xA9}, false), "a\u00E9");
  EXPECT_EQ(tokenizer.Decode(Ids{1 + 0xC3, 258, 1 + 0xC3, 1 + 0xC3}, false), "\uFFFDa\uFFFD\uFFFD");
}

TEST(Tokenizer, ManyThreadsAgree) {
  const Tokenizer tokenizer(ByteVocabulary());
  const std::string text = "hello hell he aaaa hello";
  const Ids expected = Tokenizer(ByteVocabulary()).Encode(text);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) wrong[t] += tokenizer.Encode(text) != expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

TEST(Tokenizer, RefusesWhatDoesNotFitTogether) {
  using Change = std::function<void(Vocabulary&)>;
  const std::pair<const char*, Change> changes[] = {
      {"is empty", [](Vocabulary& v) { v = Vocabulary(); }},
      {"kinds", [](Vocabulary& v) { v.kinds.pop_back(); }},
      {"does not exist", [](Vocabulary& v) { v.merges[0].left = 1 << 20; }},
      {"does not exist", [](Vocabulary& v) { v.merges[0].left = 263; }},
      {"makes", [](Vocabulary& v) { v.merges[0].result = 'x'; }},
      {"joins an empty",
       [](Vocabulary& v) {
         v.tokens['q'] = "";
         v.merges[0] = {'q', 256, 256};
       }},
      {"both", [](Vocabulary& v) { v.tokens['x'] = "y"; }},
      {"expected 0 to", [](Vocabulary& v) { v.added[0].id = 300; }},
      {"two added tokens have id", [](Vocabulary& v) { v.added[0].id = 264; }},
      {"occurs twice", [](Vocabulary& v) { v.added[0].text = "</s>"; }},
      {"is empty", [](Vocabulary& v) { v.added[0].text = ""; }},
      {"which is the model's", [](Vocabulary& v) { v.added[0].id = 'x'; }},
      {"the model knows it as", [](Vocabulary& v) { v.added[0].text = "hello"; }},
      {"bos token id", [](Vocabulary& v) { v.bos = 1000; }},
      {"eos token id", [](Vocabulary& v) { v.eos = {-7}; }},
      {"unk token id", [](Vocabulary& v) { v.unk = -7; }},
      {"the post-processor adds", [](Vocabulary& v) { v.post_processor[0].ids = {1000}; }},
      {"ByteLevel", [](Vocabulary& v) { v.pre_tokenizer.clear(); }},
      {"two ByteLevel", [](Vocabulary& v) { v.pre_tokenizer.push_back(SplitByteLevel{}); }},
      {"regular expression",
       [](Vocabulary& v) {
         v.pre_tokenizer.insert(v.pre_tokenizer.begin(), SplitPattern{{"(", true}});
       }},
      {"behind Fuse",
       [](Vocabulary& v) {
         v.decoder = {DecodeFuse{}, DecodeByteLevel{}};
       }},
      {"after normalization",
       [](Vocabulary& v) {
         v.normalizer = {NormalizeStrip{}};
         v.added[0].text = " ";
         v.added[0].normalized = true;
       }},
      {"not valid UTF-8", [](Vocabulary& v) { v.added[0].text = "\xFF"; }},
      {"without a token for byte",
       [](Vocabulary& v) {
         v.byte_fallback = true;
         v.kinds['z'] = TokenKind::kAbsent;
       }},
  };
  for (const auto& [message, change] : changes) {
    Vocabulary v = ByteVocabulary();
    change(v);
    try {
      const Tokenizer tokenizer(std::move(v));
      ADD_FAILURE() << "no error, expected: " << message;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kBadInput);
      EXPECT_NE(std::string_view(e.what()).find(message), std::string_view::npos) << e.what();
    }
  }
}

std::string Stream(Detokenizer& detokenizer, const Ids& ids) {
  std::string log;
  for (const int32_t id : ids) log += fmt::format("[{}]", detokenizer.Push(id));
  return log + detokenizer.Flush();
}

TEST(Detokenizer, HoldsBackUnfinishedCharacters) {
  const Tokenizer tokenizer(ByteVocabulary());
  Detokenizer detokenizer(tokenizer);
  EXPECT_EQ(Stream(detokenizer, {'a', 0xF0, 0x9F, 0x99, 0x82, 'b'}), "[a][][][][\U0001F642][b]");
  EXPECT_EQ(Stream(detokenizer, {0xC3, 'a', 0xFF, 0xC3}), "[][\uFFFDa][\uFFFD][]\uFFFD");
  EXPECT_EQ(Stream(detokenizer, {263, 'a', 264, 999, -1}), "[][a][][][]");
}

TEST(Detokenizer, KeepsTheFirstSpaceBehindAPrompt) {
  const Tokenizer tokenizer(FallbackVocabulary());
  Detokenizer alone(tokenizer);
  EXPECT_EQ(Stream(alone, {261, 261}), "[ab][ ab]");
  Detokenizer behind(tokenizer, {.continues = true});
  EXPECT_EQ(Stream(behind, {261, 261}), "[ ab][ ab]");
}

TEST(Detokenizer, ByteRunsComeWhole) {
  const Tokenizer tokenizer(FallbackVocabulary());
  Detokenizer detokenizer(tokenizer);
  EXPECT_EQ(Stream(detokenizer, {1 + 0xC3, 1 + 0xA9, 258}), "[][][\u00E9a]");
  Detokenizer invalid(tokenizer);
  EXPECT_EQ(Stream(invalid, {1 + 0xC3, 1 + 0xA9, 1 + 0xFF, 258}), "[][][][\uFFFD\uFFFD\uFFFDa]");
}

TEST(Detokenizer, MetaspaceAndNoDecoder) {
  Vocabulary v = FallbackVocabulary();
  v.decoder = {DecodeMetaspace{}};
  const Tokenizer metaspace(std::move(v));
  Detokenizer alone(metaspace), behind(metaspace, {.continues = true});
  EXPECT_EQ(Stream(alone, {261, 261}), "[ab][ ab]");
  EXPECT_EQ(Stream(behind, {261, 261}), "[ ab][ ab]");
  v = FallbackVocabulary();
  v.decoder.clear();
  v.join_with_spaces = true;
  const Tokenizer joined(std::move(v));
  EXPECT_EQ(joined.Decode(Ids{258, 259}, false), "a b");
}

TEST(Detokenizer, StripsTheEndOfAllText) {
  Vocabulary v = FallbackVocabulary();
  v.decoder = {DecodeFuse{}, DecodeReplace{{"\u2581", false}, " "}, DecodeReplace{{"ab", false}, "X"},
               DecodeStrip{" ", 0, 2}};
  const Tokenizer tokenizer(std::move(v));
  Detokenizer detokenizer(tokenizer);
  EXPECT_EQ(Stream(detokenizer, {258, 259, 258, 257, 257, 257, 258, 257, 257, 257}), "[][X][][a][][ ][][  a][][ ]");
}

TEST(Detokenizer, WordsWithMarks) {
  Vocabulary v;
  v.tokens = {"dog</w>", "do", "g</w>", "##s", "do .", ""};
  v.kinds.assign(v.tokens.size(), TokenKind::kModel);
  v.kinds[5] = TokenKind::kAbsent;
  v.decoder = {DecodeBpe{"</w>"}};
  const Tokenizer suffix(v);
  EXPECT_EQ(suffix.Decode(Ids{0, 1, 2}, false), "dog dog");
  Detokenizer stream(suffix);
  EXPECT_EQ(Stream(stream, {0, 1, 2}), "[][dog ][do]g");
  v.decoder = {DecodeWordPiece{"##", true}};
  const Tokenizer prefix(v);
  EXPECT_EQ(prefix.Decode(Ids{1, 3, 4}, false), "dos do.");
  v.decoder = {DecodeReplace{{"[dg]", true}, "x"}};
  EXPECT_EQ(Tokenizer(v).Decode(Ids{0, 1}, false), "xox</w>xo");
  v.decoder = {DecodeFuse{}, DecodeReplace{{"[dg]", true}, "x"}};
  EXPECT_THROW(Tokenizer{v}, Error);
  v.decoder = {DecodeReplace{{"(", true}, "x"}};
  EXPECT_THROW(Tokenizer{v}, Error);
}

TEST(Tokenizer, WordSuffixAndSubwordPrefix) {
  Vocabulary v;
  v.tokens = {"a", "b", "b</w>", "ab</w>", "?", "##b", "ab"};
  v.kinds.assign(v.tokens.size(), TokenKind::kModel);
  v.unk = 4;
  v.pre_tokenizer = {SplitPattern{{" ", false}, SplitBehavior::kRemoved, false}};
  v.join_with_spaces = true;
  Vocabulary suffix = v;
  suffix.word_suffix = "</w>";
  suffix.merges = {{0, 2, 3}};
  EXPECT_EQ(Tokenizer(suffix).Encode("ab abb xb a"), (Ids{3, 0, 1, 2, 4, 2, 4}));
  v.subword_prefix = "##";
  v.merges = {{0, 5, 6}};
  EXPECT_EQ(Tokenizer(v).Encode("ab abb ba"), (Ids{6, 6, 5, 1, 4}));
  v.merges = {{0, 5, 3}};
  EXPECT_THROW(Tokenizer{v}, Error);
}

}  // namespace
}  // namespace spate
