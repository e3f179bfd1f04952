#include "engine/sampling_words.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/test_tokenizer.h"

namespace spate {
namespace {

constexpr int kVocab = 300;

TEST(SamplingWords, BreakersAreAllTokensThatContainThem) {
  const Tokenizer tokenizer = MakeTestTokenizer({"a\n", "\n\n", "cb"});  // 257, 258, 259
  EXPECT_EQ(BreakerIds({"\n"}, tokenizer, kVocab), (std::vector<int32_t>{'\n', 257, 258}));
  EXPECT_EQ(BreakerIds({"\n", "b", "\n"}, tokenizer, kVocab), (std::vector<int32_t>{'\n', 'b', 257, 258, 259}));
  EXPECT_EQ(BreakerIds({"\n"}, tokenizer, 258), (std::vector<int32_t>{'\n', 257})) << "the model has no more";
  EXPECT_EQ(BreakerIds({"xyz"}, tokenizer, kVocab), (std::vector<int32_t>{'z'})) << "no token has it: its last one";
  EXPECT_TRUE(BreakerIds({}, tokenizer, kVocab).empty());
}

TEST(SamplingWords, ABadWordAlsoWithASpaceBeforeItWhereThatIsOneToken) {
  const Tokenizer bytes = MakeTestTokenizer();
  EXPECT_EQ(BadWordIds("no", bytes), (std::vector<std::vector<int32_t>>{{'n', 'o'}})) << "behind any space anyway";
  EXPECT_EQ(BadWordIds("  no", bytes), (std::vector<std::vector<int32_t>>{{'n', 'o'}}));
  EXPECT_EQ(BadWordIds(" ", bytes), (std::vector<std::vector<int32_t>>{{' '}}));

  Vocabulary v;
  v.spelling = TokenSpelling::kBytes;
  for (int byte = 0; byte < 256; ++byte) v.tokens.emplace_back(1, static_cast<char>(byte));
  v.tokens.emplace_back("no");   // 256
  v.tokens.emplace_back(" no");  // 257
  v.kinds.assign(v.tokens.size(), TokenKind::kModel);
  v.merges = {{.left = 'n', .right = 'o', .result = 256}, {.left = ' ', .right = 256, .result = 257}};
  v.pre_tokenizer.emplace_back(SplitByteLevel{});
  v.decoder.emplace_back(DecodeByteLevel{});
  EXPECT_EQ(BadWordIds("no", Tokenizer(std::move(v))), (std::vector<std::vector<int32_t>>{{256}, {257}}));
}

TEST(SamplingWords, ResolvingLeavesIdsOnly) {
  const Tokenizer tokenizer = MakeTestTokenizer();
  SamplingParams p;
  p.bad_words = {"no", "x"};
  p.bad_words_ids = {{7}};
  p.dry_multiplier = 1;
  p.dry_breakers = {":"};
  p.dry_breaker_ids = {3};
  ResolveWords(p, &tokenizer, kVocab);
  EXPECT_TRUE(p.bad_words.empty() && p.dry_breakers.empty());
  EXPECT_EQ(p.bad_words_ids, (std::vector<std::vector<int32_t>>{{7}, {'n', 'o'}, {'x'}}));
  EXPECT_EQ(p.dry_breaker_ids, (std::vector<int32_t>{3, ':'}));

  SamplingParams out_of_reach;
  out_of_reach.bad_words = {"no"};
  ResolveWords(out_of_reach, &tokenizer, 100);
  EXPECT_TRUE(out_of_reach.bad_words_ids.empty()) << "the model cannot produce an \"n\"";
}

TEST(SamplingWords, WithoutATokenizerThereAreOnlyIds) {
  SamplingParams p;
  p.dry_multiplier = 1;
  ResolveWords(p, nullptr, kVocab);
  EXPECT_TRUE(p.dry_breaker_ids.empty());
  p.bad_words = {"no"};
  EXPECT_THROW(ResolveWords(p, nullptr, kVocab), Error);
}

}  // namespace
}  // namespace spate
