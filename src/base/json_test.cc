#include "base/json.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "base/error.h"

namespace spate {
namespace {

using nlohmann::json;

std::string Refusal(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadInput);
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_LT(message.size(), 500u);
    return message;
  }
  return "accepted";
}

std::string ParseRefusal(std::string_view text, const JsonLimits& limits = {}) {
  return Refusal([&] { ParseJson(text, limits, "f.json"); });
}

TEST(Json, Parses) {
  const json value = ParseJson("\xef\xbb\xbf {\"a\": [1, 2.5, \"\\u00e4]{\\\"\"], \"b\": null}", {}, "f.json");
  EXPECT_EQ(value["a"][2], "\u00e4]{\"");
  EXPECT_TRUE(value["b"].is_null());
}

TEST(Json, LastOfADuplicateKeyWins) { EXPECT_EQ(ParseJson(R"({"a": 1, "a": 2})", {}, "f")["a"], 2); }

TEST(Json, RefusesBrokenTextInOneLineWithThePosition) {
  EXPECT_EQ(ParseRefusal("{\"a\": 1,}"),
            "f.json: parse error at line 1, column 9: syntax error while parsing object key - unexpected '}'; expected "
            "string literal (byte 9)");
  EXPECT_NE(ParseRefusal("").find("f.json: parse error"), std::string::npos);
  EXPECT_NE(ParseRefusal("[1, 2").find("(byte 6)"), std::string::npos);
  EXPECT_NE(ParseRefusal("[1] x").find("f.json: parse error"), std::string::npos);
  EXPECT_NE(ParseRefusal("\"a\nb\"").find("control character"), std::string::npos);
  EXPECT_NE(ParseRefusal("nul").find("f.json: parse error"), std::string::npos);
  EXPECT_NE(ParseRefusal("[1e999]").find("f.json: number overflow"), std::string::npos) << ParseRefusal("[1e999]");
  EXPECT_NE(ParseRefusal("[NaN]").find("parse error"), std::string::npos);
  EXPECT_NE(ParseRefusal(R"(["\ud800"])").find("surrogate"), std::string::npos);
  EXPECT_NE(ParseRefusal("[\"" + std::string(1 << 20, 'x') + "\n").find("..."), std::string::npos)
      << "long quotes are cut";
  EXPECT_NE(ParseRefusal(std::string_view("[1\0]", 4)).find("parse error"), std::string::npos);
}

TEST(Json, RefusesInvalidUtf8WithThePosition) {
  EXPECT_EQ(ParseRefusal("{\"a\": \"\xff\"}"), "f.json: invalid UTF-8 at byte 7");
  EXPECT_EQ(ParseRefusal("\"\xed\xa0\x80\""), "f.json: invalid UTF-8 at byte 1");
}

TEST(Json, DepthIsLimitedWhateverTheText) {
  JsonLimits limits;
  limits.max_depth = 3;
  EXPECT_EQ(ParseRefusal("[[[1]], {\"a\": [2]}]", limits), "accepted");
  EXPECT_EQ(ParseRefusal("[[[[1]]]]", limits), "f.json: nested deeper than 3 levels at byte 3");
  EXPECT_EQ(ParseRefusal("[\"[[[[[[\\\"[[[\"]", limits), "accepted") << "brackets in strings do not count";
  EXPECT_NE(ParseRefusal(std::string(10'000'000, '[')).find("nested deeper than 64"), std::string::npos);
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_NE(ParseRefusal(objects).find("nested deeper than 64"), std::string::npos);
  EXPECT_NE(ParseRefusal("]" + std::string(100'000, '[')), "accepted");
}

TEST(Json, SizeAndCountAreLimited) {
  JsonLimits limits;
  limits.max_bytes = 5;
  EXPECT_EQ(ParseRefusal("[1,2]", limits), "accepted");
  EXPECT_EQ(ParseRefusal("[1,23]", limits), "f.json: 6 bytes of JSON, at most 5 are read");
  limits = {};
  limits.max_values = 4;
  EXPECT_EQ(ParseRefusal("[1,2,3]", limits), "accepted");
  EXPECT_EQ(ParseRefusal("[1,2,3,4]", limits), "f.json: more than 4 values");
}

const json& Config() {
  static const json config = ParseJson(
      R"({"heads": "x", "layers": 12, "hidden": 4096.0, "half": 0.5, "none": null, "negative": -3, "list": [1],
          "huge": 18446744073709551615, "yes": true, "name": "llama", "rope": {"factor": 8}, "big": 1e300})",
      {}, "config.json");
  return config;
}

TEST(JsonFields, Integers) {
  const auto get = [](std::string_view key, std::optional<int64_t> fallback, int64_t min = 1, int64_t max = 65536) {
    return GetInt(Config(), key, fallback, min, max, "config.json");
  };
  EXPECT_EQ(get("layers", std::nullopt), 12);
  EXPECT_EQ(get("layers", 5), 12);
  EXPECT_EQ(get("hidden", std::nullopt), 4096);
  EXPECT_EQ(get("negative", std::nullopt, -10), -3);
  EXPECT_EQ(get("absent", 7), 7);
  EXPECT_EQ(get("none", 7), 7);
  EXPECT_EQ(Refusal([&] { get("heads", std::nullopt); }),
            "config.json: heads: expected an integer in [1, 65536], got \"x\"");
  EXPECT_EQ(Refusal([&] { get("heads", 3); }), "config.json: heads: expected an integer in [1, 65536], got \"x\"");
  EXPECT_EQ(Refusal([&] { get("absent", std::nullopt); }),
            "config.json: absent: expected an integer in [1, 65536], got nothing: the key is missing");
  EXPECT_EQ(Refusal([&] { get("none", std::nullopt); }),
            "config.json: none: expected an integer in [1, 65536], got null");
  EXPECT_EQ(Refusal([&] { get("negative", std::nullopt); }),
            "config.json: negative: expected an integer in [1, 65536], got -3");
  EXPECT_EQ(Refusal([&] { get("list", std::nullopt); }),
            "config.json: list: expected an integer in [1, 65536], got an array");
  EXPECT_EQ(Refusal([&] { get("yes", std::nullopt); }),
            "config.json: yes: expected an integer in [1, 65536], got true");
  for (const char* key : {"half", "huge", "big", "rope"}) {
    EXPECT_NE(Refusal([&] { get(key, std::nullopt, INT64_MIN, INT64_MAX); }), "accepted") << key;
  }
}

TEST(JsonFields, Others) {
  EXPECT_EQ(GetFloat(Config(), "half", std::nullopt, 0, 1, "c"), 0.5);
  EXPECT_EQ(GetFloat(Config(), "layers", std::nullopt, 0, 100, "c"), 12.0);
  EXPECT_EQ(GetFloat(Config(), "none", 1.5, 0, 1, "c"), 1.5);
  EXPECT_EQ(Refusal([] { GetFloat(Config(), "layers", std::nullopt, 0, 1, "c"); }),
            "c: layers: expected a number in [0, 1], got 12");
  EXPECT_EQ(Refusal([] { GetFloat(Config(), "name", 1.0, 0, 1, "c"); }),
            "c: name: expected a number in [0, 1], got \"llama\"");
  EXPECT_TRUE(GetBool(Config(), "yes", std::nullopt, "c"));
  EXPECT_FALSE(GetBool(Config(), "absent", false, "c"));
  EXPECT_EQ(Refusal([] { GetBool(Config(), "layers", true, "c"); }), "c: layers: expected true or false, got 12");
  EXPECT_EQ(GetString(Config(), "name", std::nullopt, "c"), "llama");
  EXPECT_EQ(GetString(Config(), "absent", "silu", "c"), "silu");
  EXPECT_EQ(Refusal([] { GetString(Config(), "none", std::nullopt, "c"); }), "c: none: expected a string, got null");
  EXPECT_EQ(Refusal([] { GetString(Config(), "rope", "x", "c"); }), "c: rope: expected a string, got an object");
  EXPECT_EQ(GetInt(*FindObject(Config(), "rope", "c"), "factor", std::nullopt, 1, 10, "c: rope"), 8);
  EXPECT_EQ(FindArray(Config(), "none", "c"), nullptr);
  EXPECT_EQ(Refusal([] { FindArray(Config(), "rope", "c"); }), "c: rope: expected an array, got an object");
  EXPECT_EQ(Refusal([] { FindField(json::array(), "a", "c"); }), "c: expected an object, got an array");
}

TEST(JsonFields, ForeignTextStaysShortAndOnItsLine) {
  const json object = {{"k", std::string(100000, 'y') + "\n"}, {"e", "a\nb\x1b"}};
  EXPECT_LT(Refusal([&] { GetInt(object, "k", 1, 0, 1, "c"); }).size(), 200u);
  EXPECT_EQ(Refusal([&] { GetBool(object, "e", true, "c"); }), "c: e: expected true or false, got \"a\\nb\\x1b\"");
}

}  // namespace
}  // namespace spate
