#include "convert/gguf/gguf_tokenizer_export.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <span>

#include "base/error.h"
#include "checkpoint/gguf.h"
#include "checkpoint/gguf_pre_tokenizers.h"
#include "checkpoint/gguf_tokenizer.h"
#include "checkpoint/read_tokenizer.h"
#include "convert/gguf/folder_for_test.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/word_scan.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

fs::path Small(const std::string& name) {
  return fs::path(SPATE_SOURCE_DIR) / "tests" / "golden" / "tokenizer" / name / "tokenizer.json";
}
fs::path Shared(const std::string& name) {
  return fs::path(SPATE_SOURCE_DIR) / ".." / "shared" / "data" / "tokenizers" / name;
}

struct Exported {
  std::string bytes;  // of a file without tensors
  std::vector<std::string> notes;

  GgufFile file() const { return ParseGguf(std::as_bytes(std::span(bytes)), "test"); }
  Tokenizer tokenizer() const { return Tokenizer(ReadGgufTokenizer(file())); }
};

Exported Export(const Vocabulary& v, int rows) {
  Exported exported;
  GgufHeader header;
  header.String("general.architecture", "llama");
  AddTokenizer(v, rows, "test", &header, &exported.notes);
  exported.bytes = header.Bytes();
  return exported;
}
Exported Export(const Vocabulary& v) { return Export(v, static_cast<int>(v.tokens.size())); }

std::string Refusal(const Vocabulary& v) {
  return MessageOf(ErrorCode::kBadInput, [&] { Export(v); });
}

// Text as people write it, and text that finds mistakes.
const std::string_view kTexts[] = {
    "",
    " ",
    "Hello world",
    " a  b   c ",
    "\t\n  x\r\n\r\n y",
    "don't I'LL we've 'S",
    "1 12 123 1234567890",
    "x = {\"a\": [1, 2]};\n\n\treturn x",
    "\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8 \u041f\u0440\u0438\u0432\u0435\u0442 \u03a9",
    "\U0001F600 \U0001F469\u200D\U0001F469\u200D\U0001F467 \u2581\u2581_",
    "<s>a</s> <|begin_of_text|>b<|eot_id|>",
    "na\u00efve caf\u00e9 \u00c5\u00c4\u00d6",
};

void ExpectSameTokens(const Tokenizer& got, const Tokenizer& want) {
  for (const std::string_view text : kTexts) {
    const std::vector<int32_t> ids = want.Encode(text);
    EXPECT_EQ(got.Encode(text), ids) << text;
    EXPECT_EQ(got.Decode(ids, true), want.Decode(ids, true)) << text;
  }
}

TEST(AddTokenizer, ByteLevelTokenizersGiveTheSameTokens) {
  for (const auto& [name, pre] : {std::pair("llama3", "llama-bpe"), std::pair("gpt2", "gpt-2")}) {
    const Vocabulary v = ReadTokenizer(Small(name));
    const Exported exported = Export(v);
    EXPECT_EQ(exported.file().metadata.GetString("tokenizer.ggml.pre", ""), pre);
    ExpectSameTokens(exported.tokenizer(), Tokenizer(v));
  }
}

TEST(AddTokenizer, AFormOfUnicodeIsNoted) {
  const Vocabulary v = ReadTokenizer(Small("qwen2"));
  const Exported exported = Export(v);
  EXPECT_EQ(exported.file().metadata.GetString("tokenizer.ggml.pre", ""), "qwen2");
  ASSERT_FALSE(exported.notes.empty());
  EXPECT_NE(exported.notes[0].find("NFC"), std::string::npos);
  ExpectSameTokens(exported.tokenizer(), Tokenizer(v));
}

TEST(AddTokenizer, SentencePieceModelsGiveTheSameTokens) {
  for (const char* name : {"llama2-sentencepiece.model", "mistral-v3-sentencepiece.model"}) {
    if (!fs::exists(Shared(name))) GTEST_SKIP() << Shared(name) << " is not there";
    const Vocabulary v = ReadTokenizer(Shared(name));
    const Exported exported = Export(v);
    EXPECT_EQ(exported.file().metadata.GetString("tokenizer.ggml.model", ""), "llama");
    ExpectSameTokens(exported.tokenizer(), Tokenizer(v));
  }
}

TEST(AddTokenizer, TiktokenModelsGiveTheSameTokens) {
  const fs::path path = Shared("llama3-tiktoken.model");
  if (!fs::exists(path)) GTEST_SKIP() << path << " is not there";
  const Vocabulary v = ReadTokenizer(path);
  const Exported exported = Export(v);
  EXPECT_EQ(exported.file().metadata.GetString("tokenizer.ggml.pre", ""), "llama-bpe");
  EXPECT_EQ(exported.file().metadata.Find("tokenizer.ggml.eot_token_id"), nullptr);  // known by its text
  const Tokenizer got = exported.tokenizer();
  ExpectSameTokens(got, Tokenizer(v));
  EXPECT_TRUE(got.IsEos(128001));
  EXPECT_TRUE(got.IsEos(128009));
}

// "ab" of "a" and "b", spelled as SentencePiece does.
Vocabulary Tiny() {
  Vocabulary v;
  v.tokens = {"<unk>", "<s>", "</s>", "\u2581", "a", "b", "ab", "\u2581ab"};
  v.kinds.assign(v.tokens.size(), TokenKind::kModel);
  v.merges = {{4, 5, 6, -1}, {3, 6, 7, -1}};
  for (int32_t id = 0; id < 3; ++id) {
    v.kinds[static_cast<size_t>(id)] = TokenKind::kAbsent;
    v.added.push_back({.id = id, .text = v.tokens[static_cast<size_t>(id)], .special = true});
  }
  v.unk = 0;
  v.bos = 1;
  v.eos = {2};
  v.normalizer = {NormalizePrepend{"\u2581"}, NormalizeReplace{{" ", false}, "\u2581"}};
  v.post_processor = {{.is_text = false, .ids = {1}}, {.is_text = true, .ids = {}}};
  v.decoder = {DecodeReplace{{"\u2581", false}, " "}, DecodeFuse{}, DecodeStrip{" ", 1, 0}};
  return v;
}

TEST(AddTokenizer, MergesBecomeScores) {
  const Vocabulary v = Tiny();
  const Exported exported = Export(v);
  const GgufFile file = exported.file();
  const std::vector<float> scores = *file.metadata.FindFloats("tokenizer.ggml.scores", 99);
  EXPECT_GT(scores[6], scores[7]);  // in the order of merges
  EXPECT_GT(scores[7], scores[4]);  // what no merge makes comes behind
  EXPECT_EQ(*file.metadata.FindInts("tokenizer.ggml.token_type", 99), (std::vector<int64_t>{2, 3, 3, 1, 1, 1, 1, 1}));
  EXPECT_TRUE(file.metadata.GetBool("tokenizer.ggml.add_bos_token", std::nullopt));
  EXPECT_FALSE(file.metadata.GetBool("tokenizer.ggml.add_eos_token", std::nullopt));
  EXPECT_EQ(exported.tokenizer().Encode("ab ab"), (std::vector<int32_t>{1, 7, 7}));
}

TEST(AddTokenizer, RowsWithoutATokenAreFilled) {
  const Exported exported = Export(Tiny(), 10);
  const GgufFile file = exported.file();
  const auto texts = file.metadata.FindStrings("tokenizer.ggml.tokens");
  const std::vector<std::string> list(texts->begin(), texts->end());
  ASSERT_EQ(list.size(), 10u);
  EXPECT_EQ(list[9], "[PAD9]");
  EXPECT_EQ((*file.metadata.FindInts("tokenizer.ggml.token_type", 99))[9], 5);
  EXPECT_EQ(exported.tokenizer().Encode("[PAD9]"), Export(Tiny()).tokenizer().Encode("[PAD9]"));
}

TEST(AddTokenizer, ATokenAroundTheTextIsBosEvenUnnamed) {
  Vocabulary v = Tiny();
  v.bos = -1;
  EXPECT_EQ(Export(v).file().metadata.GetInt("tokenizer.ggml.bos_token_id", -1, 0, 99), 1);
}

TEST(AddTokenizer, OtherTokensMayEndAGeneration) {
  Vocabulary v = Tiny();
  v.eos = {2, 6, 5};
  const Exported two = Export(v);
  EXPECT_TRUE(two.notes.empty());
  const Tokenizer tokenizer = two.tokenizer();
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    EXPECT_EQ(tokenizer.IsEos(id), id == 2 || id == 5 || id == 6) << id;
  }
  v.eos.push_back(4);
  EXPECT_EQ(Export(v).notes.size(), 1u);
}

TEST(AddTokenizer, RefusesWhatTheFormatCannotSay) {
  const auto expect = [](const Vocabulary& v, std::string_view message) {
    const std::string got = Refusal(v);
    EXPECT_NE(got.find(message), std::string::npos) << got;
  };
  Vocabulary v = Tiny();
  v.model = ModelKind::kUnigram;
  expect(v, "a unigram tokenizer");
  v.model = ModelKind::kWordPiece;
  expect(v, "a WordPiece tokenizer");
  v = Tiny();
  v.normalizer.emplace_back(NormalizeLowercase{});
  expect(v, "neither byte-level BPE nor what SentencePiece does");
  v = Tiny();
  v.ignore_merges = true;
  expect(v, "neither byte-level BPE nor what SentencePiece does");
  v = Tiny();
  v.merges.pop_back();  // SentencePiece would make the token all the same
  expect(v, "merges that no SentencePiece model has");
  v = Tiny();
  v.post_processor.push_back({.is_text = false, .ids = {4, 5}});
  expect(v, "other tokens around a text");
  v = Tiny();
  v.added.back().text = "a";
  expect(v, "tokens 2 and 4 are both 'a'");
  v = ReadTokenizer(Small("odd"));
  expect(v, "cuts text into words in a way that GGUF has no name for");
  v = ReadTokenizer(Small("gpt2"));
  v.normalizer.emplace_back(NormalizeLowercase{});
  expect(v, "changes the text first");
  v = ReadTokenizer(Small("gpt2"));
  v.word_suffix = "</w>";
  expect(v, "prefix or suffix");
  const std::string rows = MessageOf(ErrorCode::kBadInput, [] { Export(Tiny(), 7); });
  EXPECT_NE(rows.find("8 tokens, but the embedding has 7 rows"), std::string::npos) << rows;
}

// Every name stands for some way to cut text; the name that is found stands for the same.
TEST(NameOfPreTokenizer, TurnsTheTableAround) {
  int named = 0;
  for (const std::string_view name : GgufPreTokenizerNames()) {
    const GgufPreTokenizer& pre = *FindGgufPreTokenizer(name);
    if (pre.spells_text || pre.add_sep) continue;
    Vocabulary v;
    v.ignore_merges = pre.ignore_merges;
    v.pre_tokenizer = StepsOf(pre);
    v.pre_tokenizer.emplace_back(SplitByteLevel{.add_prefix_space = false, .use_regex = false});
    const GgufPreTokenizer* found = FindGgufPreTokenizer(NameOfPreTokenizer(v));
    ASSERT_NE(found, nullptr) << name;
    ASSERT_EQ(found->patterns.size(), pre.patterns.size()) << name << " " << found->name;
    for (size_t i = 0; i < pre.patterns.size(); ++i) {
      EXPECT_EQ(found->patterns[i].regex, pre.patterns[i].regex) << name;
      EXPECT_EQ(found->patterns[i].known, pre.patterns[i].known) << name;
    }
    EXPECT_EQ(found->ignore_merges, pre.ignore_merges) << name;
    ++named;
  }
  EXPECT_GT(named, 60);
}

TEST(NameOfPreTokenizer, OtherWordsForTheSame) {
  Vocabulary v;
  v.pre_tokenizer = {SplitByteLevel{.add_prefix_space = false, .use_regex = true}};
  EXPECT_EQ(NameOfPreTokenizer(v), "gpt-2");
  v.pre_tokenizer = {SplitByteLevel{.add_prefix_space = true, .use_regex = true}};
  EXPECT_EQ(NameOfPreTokenizer(v), "");
  v.ignore_merges = true;
  v.pre_tokenizer = {SplitPattern{{std::string(RegexOf(KnownPattern::kLlama3)), true}, SplitBehavior::kRemoved, true},
                     SplitByteLevel{.add_prefix_space = false, .use_regex = false}};
  EXPECT_EQ(NameOfPreTokenizer(v), "llama-bpe");
}

}  // namespace
}  // namespace spate
