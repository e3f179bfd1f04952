#include "tokenizer/jinja/lexer.h"

#include <gtest/gtest.h>

#include "tokenizer/jinja/failure.h"

namespace spate::jinja {
namespace {

std::vector<std::string> Texts(std::string_view source) {
  std::vector<std::string> texts;
  for (const Token& token : Tokenize(source)) {
    if (token.kind != TokenKind::kEnd) texts.emplace_back(token.text);
  }
  return texts;
}

TEST(Lexer, TagsTakeTheWhitespaceAroundThem) {
  // A closing tag holds the whitespace that it takes.
  EXPECT_EQ(Texts("a\n  {% x %}\nb"), (std::vector<std::string>{"a\n", "{%", "x", "%}\n", "b"}));
  EXPECT_EQ(Texts("a {{- x -}} b"), (std::vector<std::string>{"a", "{{-", "x", "-}} ", "b"}));
  EXPECT_EQ(Texts("a{# {{ no }} #}b"), (std::vector<std::string>{"a", "b"}));
}

TEST(Lexer, TokensCarryTheirLine) {
  const std::vector<Token> tokens = Tokenize("a\n\n{{ x }}");
  ASSERT_GE(tokens.size(), 3u);
  EXPECT_EQ(tokens[2].text, "x");
  EXPECT_EQ(tokens[2].line, 3);
}

TEST(Lexer, StringEscapesArePythons) { EXPECT_EQ(StringLiteral(R"('a\n\'\x41\u00e9\q')", 1), "a\n'A\u00e9\\q"); }

TEST(Lexer, AnOpenTagIsRefused) {
  EXPECT_THROW(Tokenize("{{ 'x"), Failure);
  EXPECT_THROW(Tokenize("{# x"), Failure);
}

}  // namespace
}  // namespace spate::jinja
