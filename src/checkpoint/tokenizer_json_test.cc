#include "checkpoint/tokenizer_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "tokenizer/tokenizer.h"

namespace spate {
namespace {

using nlohmann::json;
using Ids = std::vector<int32_t>;

json Small() {
  return json::parse(R"({
    "version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [
      {"id": 5, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
       "special": true},
      {"id": 6, "content": "</s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
       "special": true}],
    "normalizer": null, "pre_tokenizer": null, "post_processor": null,
    "decoder": {"type": "Sequence", "decoders": [{"type": "Fuse"}]},
    "model": {"type": "BPE", "dropout": null, "unk_token": "?", "continuing_subword_prefix": null,
              "end_of_word_suffix": "", "fuse_unk": false,
              "vocab": {"a": 0, "b": 1, "ab": 2, "?": 3, "abb": 4},
              "merges": ["a b", "ab b"]}})");
}

Ids Encoded(const json& tokenizer, std::string_view text, std::string_view config = "") {
  return Tokenizer(ParseTokenizerJson(tokenizer.dump(), config, "test")).Encode(text);
}

std::string ErrorOf(std::string_view text, std::string_view config = "") {
  try {
    const Tokenizer tokenizer(ParseTokenizerJson(text, config, "t.json"));
    return "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kBadInput);
    EXPECT_EQ(std::string_view(e.what()).find('\n'), std::string_view::npos) << e.what();
    return e.what();
  }
}

TEST(TokenizerJson, BothSpellingsOfMerges) {
  json j = Small();
  EXPECT_EQ(Encoded(j, "abbx<s>a"), (Ids{4, 3, 5, 0}));
  j["model"]["merges"] = json::parse(R"([["a", "b"], ["ab", "b"]])");
  EXPECT_EQ(Encoded(j, "abbx<s>a"), (Ids{4, 3, 5, 0}));
  j["model"]["merges"] = json::parse(R"(["#version: 0.2", "a b"])");
  EXPECT_EQ(Encoded(j, "abb"), (Ids{2, 1}));
}

TEST(TokenizerJson, ConfigNamesTokensAndWhatIsAdded) {
  const auto with = [](std::string_view config) { return ParseTokenizerJson(Small().dump(), config, "test"); };
  EXPECT_EQ(with("{}").bos, -1);
  EXPECT_TRUE(with("{}").eos.empty());
  const Vocabulary v = with(R"({"bos_token": "<s>", "eos_token": {"content": "</s>"}, "pad_token": "[later]"})");
  EXPECT_EQ(v.bos, 5);
  EXPECT_EQ(v.eos, Ids{6});
  EXPECT_EQ(v.pad, -1);
  const std::string names = R"({"bos_token": "<s>", "eos_token": "</s>", )";
  EXPECT_EQ(Encoded(Small(), "a", names + R"("add_bos_token": true, "add_eos_token": true})"), (Ids{5, 0, 6}));
  EXPECT_EQ(Encoded(Small(), "a", names + R"("add_bos_token": null})"), (Ids{0}));
  json j = Small();
  j["post_processor"] = json::parse(R"({"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
      "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [5], "tokens": ["<s>"]}}})");
  EXPECT_EQ(Encoded(j, "a"), (Ids{5, 0}));
  EXPECT_EQ(Encoded(j, "a", names + R"("add_bos_token": true})"), (Ids{5, 0}));
  EXPECT_EQ(Encoded(j, "a", names + R"("add_bos_token": false})"), (Ids{0}));
  EXPECT_NE(ErrorOf(Small().dump(), R"({"eos_token": "<none>"})").find("eos_token is '<none>'"), std::string::npos);
}

TEST(TokenizerJson, HolesAreAllowedUpToALimit) {
  json j = Small();
  j["model"]["vocab"]["c"] = 500;
  const Tokenizer tokenizer(ParseTokenizerJson(j.dump(), "", "test"));
  EXPECT_EQ(tokenizer.vocab_size(), 501);
  EXPECT_EQ(tokenizer.TokenText(400), "");
  EXPECT_EQ(tokenizer.Decode(Ids{0, 400, 1}, false), "ab");
  j["model"]["vocab"]["c"] = 1000000;
  EXPECT_NE(ErrorOf(j.dump()).find("a token has id 1000000, but there are only 8 tokens; supported are ids up to 521"),
            std::string::npos);
}

TEST(TokenizerJson, EscapesAndSpacesOfTheLists) {
  const std::string text = R"({ "model" : { "type": "BPE", "vocab" : { "\u0061" : 0 , "\"\\\/\b\f\n\r\t":1,
      "\ud83d\ude00\u00e9":2,"b":3, "ab":4 } , "merges":[ [ "\u0061" , "b" ] ] } , "pre_tokenizer": null })";
  const Vocabulary v = ParseTokenizerJson(text, "", "test");
  EXPECT_EQ(v.tokens, (std::vector<std::string>{"a", "\"\\/\b\f\n\r\t", "\U0001F600\u00E9", "b", "ab"}));
  ASSERT_EQ(v.merges.size(), 1u);
  EXPECT_EQ(v.merges[0].result, 4);
  for (const char* bad :
       {R"(\ud83d)", R"(\ude00)", R"(\ud83dx)", R"(\u12g4)", R"(\u12)", R"(\a)", "\x01", "\xC3", "\xED\xA0\x80"}) {
    const std::string file = std::string(R"({"model": {"vocab": {"x)") + bad + R"(": 0}, "merges": []}})";
    EXPECT_NE(ErrorOf(file).find("not JSON at byte"), std::string::npos) << bad;
  }
}

TEST(TokenizerJson, EveryTruncationIsAnError) {
  const std::string text = Small().dump();
  for (size_t n = 0; n < text.size(); ++n) {
    ASSERT_NE(ErrorOf(std::string_view(text).substr(0, n)), "no error") << n;
  }
}

TEST(TokenizerJson, WordPiece) {
  json j = Small();
  j["model"] = json::parse(R"({"type": "WordPiece", "unk_token": "?", "continuing_subword_prefix": "##",
      "max_input_chars_per_word": 4, "vocab": {"a": 0, "##b": 1, "ab": 2, "?": 3, "##bb": 4}})");
  EXPECT_EQ(Encoded(j, "abbb<s>a"), (Ids{2, 4, 5, 0}));
  EXPECT_EQ(Encoded(j, "abbbb"), Ids{3});
  j["model"]["merges"] = json::parse(R"([["a", "b"]])");  // not a field of this model
  EXPECT_EQ(Encoded(j, "abb"), (Ids{2, 1}));
  j["model"].erase("merges");
  j["model"].erase("type");  // as old files have it
  EXPECT_EQ(Encoded(j, "abb"), (Ids{2, 1}));
  j["model"]["type"] = "WordPiece";

  struct Case {
    const char* field;
    const char* value;
    const char* message;
  };
  const Case cases[] = {
      {"vocab", "[]", "t.json: model has no vocab"},
      {"vocab", R"({"a": 0, "?": 3})", "accepted"},
      {"vocab", R"({"a": 0, "?": 4194304})", "'?' has id 4194304, supported are ids below"},
      {"unk_token", R"("[UNK]")", "t.json: model: unk_token '[UNK]' is not in the vocabulary"},
      {"unk_token", R"("<s>")", "a WordPiece model without an unk token"},  // an added token is none of the model's
      {"unk_token", R"("")", "a WordPiece model without an unk token"},
      {"unk_token", "null", "unk_token"},
      {"continuing_subword_prefix", R"("")", "accepted"},
      {"continuing_subword_prefix", "null", "continuing_subword_prefix"},
      {"max_input_chars_per_word", "-1", "max_input_chars_per_word"},
      {"max_input_chars_per_word", "null", "max_input_chars_per_word"},
  };
  for (const Case& c : cases) {
    json bad = j;
    bad["model"][c.field] = json::parse(c.value);
    const std::string message = ErrorOf(bad.dump());
    const bool accepted = std::string_view(c.message) == "accepted";
    EXPECT_NE(message.find(accepted ? "no error" : c.message), std::string::npos) << c.field << c.value << message;
  }
  EXPECT_EQ(ErrorOf(j.dump()), "no error");
}

TEST(TokenizerJson, SaysWhatIsWrong) {
  struct Case {
    const char* pointer;
    const char* value;
    const char* message;
  };
  const Case cases[] = {
      {"/model/type", R"("WordLevel")", "t.json: model is WordLevel, supported: BPE, Unigram, WordPiece"},
      {"/model/vocab", "[]", "t.json: model has no vocab"},
      {"/model/vocab", R"({"a": "x"})", "t.json: model.vocab: 'a' is a string, expected an id"},
      {"/model/vocab/a", "-1", "'a' is a negative number, expected an id"},
      {"/model/vocab/a", "1.5", "'a' is a fraction, expected an id"},
      {"/model/vocab/a", "[1]", "'a' is an array, expected an id"},
      {"/model/vocab/a", "4194304", "'a' has id 4194304, supported are ids below 4194304"},
      {"/model/vocab/a", "18446744073709551615", "'a' has id 18446744073709551615"},
      {"/model/vocab/a", "1", "'a' and 'b' both have id 1"},
      {"/model/merges", "{}", "t.json: model has no merges"},
      {"/model/merges/0", R"("a")", "model.merges[0]: 'a', expected two tokens"},
      {"/model/merges/0", R"("a b c")", "model.merges[0]: 'a b c', expected two tokens"},
      {"/model/merges/0", "7", "model.merges[0]: a number, expected"},
      {"/model/merges/0", R"(["a"])", "model.merges[0] has 1 tokens, expected 2"},
      {"/model/merges/0", R"(["a", "b", "c"])", "model.merges[0] has more than two tokens"},
      {"/model/merges/0", R"([["a"], "b"])", "model.merges[1]: an array, expected"},
      {"/model/merges/1", R"("b z")", "model.merges[1]: 'z' is not in the vocabulary"},
      {"/model/merges/1", R"("b a")", "model.merges[1]: 'ba' is not in the vocabulary"},
      {"/model/unk_token", R"("<unk>")", "unk_token '<unk>' is not in the vocabulary"},
      {"/model/dropout", "0.1", "dropout gives another result each time"},
      {"/added_tokens/0/id", "0", "added token '<s>' has id 0, which is the model's 'a'"},
      {"/added_tokens/0/id", "-5", "added_tokens[0]: id"},
      {"/added_tokens/0/special", "1", "added_tokens[0]: special"},
      {"/added_tokens/0", "7", "added_tokens[0]"},
      {"/normalizer", R"({"type": "Odd"})", "normalizer 'Odd' is not supported; supported: NFC"},
      {"/normalizer", R"({"type": "Sequence"})", "normalizer Sequence has no normalizers"},
      {"/normalizer", R"({"type": "Strip", "strip_left": 1})", "strip_left"},
      {"/normalizer", R"("NFC")", "normalizer"},
      {"/normalizer", R"({})", "type"},
      {"/pre_tokenizer", R"({"type": "UnicodeScripts"})", "pre_tokenizer 'UnicodeScripts' is not supported"},
      {"/pre_tokenizer", R"({"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated", "invert": false})",
       "invalid regular expression '('"},
      {"/pre_tokenizer", R"({"type": "Split", "pattern": {"String": ""}, "behavior": "Isolated", "invert": false})",
       "empty pattern"},
      {"/pre_tokenizer", R"({"type": "Split", "pattern": {"String": "a"}, "behavior": "Odd", "invert": false})",
       "behavior 'Odd', expected Removed"},
      {"/pre_tokenizer", R"({"type": "Metaspace", "replacement": "ab"})", "expected one character"},
      {"/pre_tokenizer", R"({"type": "Metaspace", "replacement": "_", "prepend_scheme": "last"})",
       "prepend_scheme 'last', expected first, always or never"},
      {"/post_processor", R"({"type": "BertProcessing"})", "post_processor BertProcessing: cls: expected"},
      {"/post_processor", R"({"type": "TemplateProcessing", "single": []})", "expected Sequence A once, got none"},
      {"/post_processor", R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<q>"}}]})",
       "special token '<q>' has no ids"},
      {"/decoder", R"({"type": "CTC"})", "decoder 'CTC' is not supported"},
      {"/decoder", R"({"type": "Strip", "content": " ", "start": -1, "stop": 0})", "start"},
      {"", "[1]", "t.json: expected a JSON object"},
      {"/model", "null", "t.json: no model"},
  };
  for (const Case& c : cases) {
    json j = Small();
    j[json::json_pointer(c.pointer)] = json::parse(c.value);
    const std::string message = ErrorOf(j.dump());
    EXPECT_NE(message.find(c.message), std::string::npos) << c.pointer << " " << c.value << ": " << message;
  }
  EXPECT_NE(ErrorOf(R"({"model": {"vocab": {"a": 0, "a": 1}, "merges": []}})").find("'a' occurs twice"),
            std::string::npos);
  EXPECT_NE(ErrorOf(std::string(100, '[')).find("nested deeper"), std::string::npos);
  EXPECT_NE(ErrorOf("{\"model\": \"\xFF\"}").find("invalid UTF-8 at byte 11"), std::string::npos);
  EXPECT_NE(ErrorOf("{\"model\": {\"vocab\": {\"\xFF\": 1}}}").find("not JSON at byte 22"), std::string::npos);
  EXPECT_NE(ErrorOf(R"({"model": {"vocab": {"a": 0}, "merges": ["a\x"]}})").find("not JSON at byte 43"),
            std::string::npos);
  EXPECT_NE(ErrorOf(R"({"model": {"vocab": {"a": 0}, "vocab": {}}})").find("vocab occurs twice"), std::string::npos);
  EXPECT_NE(ErrorOf(R"({"model": {"vocab": {"": 0, "a": 1}, "merges": [["a", ""]]}})").find("joins an empty token"),
            std::string::npos);
  std::string deep = "null";
  for (int i = 0; i < 20; ++i) deep = R"({"type": "Sequence", "normalizers": [)" + deep + "]}";
  EXPECT_NE(ErrorOf(R"({"normalizer": )" + deep + R"(, "model": {"vocab": {"a": 0}, "merges": []}})"), "no error");
}

}  // namespace
}  // namespace spate
