#include "base/ordered_json.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace spate {
namespace {

TEST(OrderedJson, KeepsTheOrderOfKeysAndTakesTheLastOfTwo) {
  EXPECT_EQ(ParseOrderedJson(R"({"b":1,"a":{"z":2,"y":3},"b":4})", {}, "test").dump(), R"({"b":4,"a":{"z":2,"y":3}})");
}

TEST(OrderedJson, RefusesWhatParseJsonRefuses) {
  EXPECT_THROW(ParseOrderedJson("{", {}, "test"), Error);
  EXPECT_THROW(ParseOrderedJson("\"\xff\"", {}, "test"), Error);
  EXPECT_THROW(ParseOrderedJson(std::string(10'000, '['), {}, "test"), Error);
}

TEST(OrderedJson, RefusesObjectsWithTooManyKeys) {
  std::string text = "[{\"k\":0";
  for (int i = 0; i < 1000; ++i) text += ",\"" + std::to_string(i) + "\":0";
  EXPECT_THROW(ParseOrderedJson(text + "}]", {}, "test"), Error);
}

}  // namespace
}  // namespace spate
