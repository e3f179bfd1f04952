#include "tokenizer/jinja/parser.h"

#include <gtest/gtest.h>

#include <string>

#include "tokenizer/jinja/ast.h"
#include "tokenizer/jinja/failure.h"
#include "tokenizer/jinja/limits.h"

namespace spate::jinja {
namespace {

// A constant points to a text of the program: were the texts freed first, ASan would see it here.
TEST(Parser, ConstantsDieBeforeTheirTexts) {
  std::string source;
  for (int i = 0; i < 100; ++i)
    source += "{{ 'a constant that is too long to be stored in place " + std::to_string(i) + "' }}";
  const auto program = Parse(source);
  EXPECT_EQ(program->texts.size(), 100u);
}

TEST(Parser, SaysTheLine) {
  try {
    Parse("{% if x %}\n{{ y }\n{% endif %}");
    FAIL() << "parsed";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.line, 2) << failure.what();
  }
}

TEST(Parser, DepthHasALimit) {
  const auto nested = [](int depth) { return "{{ " + std::string(depth, '(') + "1" + std::string(depth, ')') + " }}"; };
  EXPECT_NO_THROW(Parse(nested(kMaxParseDepth / 4)));
  EXPECT_THROW(Parse(nested(kMaxParseDepth * 2)), Failure);
}

}  // namespace
}  // namespace spate::jinja
