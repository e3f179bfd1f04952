#include "tokenizer/added_tokens.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <random>

namespace spate {
namespace {

AddedTokenFinder Finder(const std::vector<AddedToken>& tokens) {
  std::vector<AddedTokenFinder::Pattern> patterns;
  for (const AddedToken& token : tokens) patterns.push_back({token.text, token});
  return AddedTokenFinder(std::move(patterns));
}

std::string Cut(const AddedTokenFinder& finder, std::string_view text, bool literal = false) {
  std::string out;
  for (const auto& s : finder.Cut(text, literal)) {
    const std::string_view part = text.substr(s.range.begin, s.range.size());
    out += s.id < 0 ? fmt::format("[{}]", part) : fmt::format("{}({})", s.id, part);
  }
  return out;
}

TEST(AddedTokens, LeftmostThenLongest) {
  const AddedTokenFinder finder =
      Finder({{.id = 1, .text = "ab"}, {.id = 2, .text = "abcd"}, {.id = 3, .text = "bcde"}, {.id = 4, .text = "c"}});
  EXPECT_EQ(Cut(finder, "xabcdey"), "[x]2(abcd)[ey]");
  EXPECT_EQ(Cut(finder, "abce"), "1(ab)4(c)[e]");
  EXPECT_EQ(Cut(finder, "bcdbcde"), "[b]4(c)[d]3(bcde)");
  EXPECT_EQ(Cut(finder, ""), "");
}

TEST(AddedTokens, Flags) {
  const AddedTokenFinder finder = Finder({{.id = 1, .text = "<l>", .special = true, .lstrip = true},
                                          {.id = 2, .text = "<r>", .rstrip = true},
                                          {.id = 3, .text = "one", .single_word = true}});
  EXPECT_EQ(Cut(finder, "a \t<l> b"), "[a]1( \t<l>)[ b]");
  EXPECT_EQ(Cut(finder, "a <r>\u3000\nb"), "[a ]2(<r>\u3000\n)[b]");
  EXPECT_EQ(Cut(finder, "one ones _one one"), "3(one)[ ones _one ]3(one)");
  EXPECT_EQ(Cut(finder, "a<l>b", true), "[a<l>b]");
  EXPECT_EQ(Cut(finder, "a<r>b", true), "[a]2(<r>)[b]");
}

TEST(AddedTokens, EqualsTryingEveryTokenEverywhere) {
  std::mt19937 random(3);
  for (int round = 0; round < 3000; ++round) {
    std::vector<AddedToken> tokens;
    for (int i = 0; i < 6; ++i) {
      std::string text;
      for (size_t n = 1 + random() % 5; n > 0; --n) text += static_cast<char>('a' + random() % 2);
      bool fresh = true;
      for (const AddedToken& t : tokens) fresh &= t.text != text;
      if (fresh) tokens.push_back({.id = i, .text = text});
    }
    std::string text;
    for (size_t n = random() % 40; n > 0; --n) text += static_cast<char>('a' + random() % 3);
    std::string expected, between;
    for (size_t at = 0; at < text.size();) {
      const AddedToken* best = nullptr;
      for (const AddedToken& t : tokens) {
        if (text.compare(at, t.text.size(), t.text) == 0 && (!best || t.text.size() > best->text.size())) best = &t;
      }
      if (best == nullptr) {
        between += text[at++];
        continue;
      }
      if (!between.empty()) expected += fmt::format("[{}]", between);
      between.clear();
      expected += fmt::format("{}({})", best->id, best->text);
      at += best->text.size();
    }
    if (!between.empty()) expected += fmt::format("[{}]", between);
    ASSERT_EQ(Cut(Finder(tokens), text), expected);
  }
}

}  // namespace
}  // namespace spate
