#include "checkpoint/gguf_tokenizer.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "base/error.h"
#include "checkpoint/gguf_chat_template.h"
#include "checkpoint/gguf_pre_tokenizers.h"
#include "checkpoint/gguf_writer_for_test.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/tokenizer.h"

namespace spate {
namespace {

using Ids = std::vector<int32_t>;

GgufFile Parse(const std::string& file) {
  return ParseGguf({reinterpret_cast<const std::byte*>(file.data()), file.size()}, "x.gguf");
}

Tokenizer Make(const GgufWriter& writer) {
  const std::string bytes = writer.Finish();
  return Tokenizer(ReadGgufTokenizer(Parse(bytes)));
}

std::string Message(const GgufWriter& writer) {
  try {
    Make(writer);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadInput);
    return error.what();
  }
  return "accepted";
}

struct Entry {
  std::string text;
  float score;
  int32_t type;
};

void AddTokens(GgufWriter& w, const std::vector<Entry>& entries) {
  std::vector<std::string> texts;
  std::vector<float> scores;
  std::vector<int32_t> types;
  for (const Entry& e : entries) {
    texts.push_back(e.text);
    scores.push_back(e.score);
    types.push_back(e.type);
  }
  w.Strings("tokenizer.ggml.tokens", texts);
  w.List("tokenizer.ggml.scores", GgufType::kF32, scores);
  w.List("tokenizer.ggml.token_type", GgufType::kI32, types);
}

// <unk> <s> </s>, 256 bytes from 3, ▁ a b ▁a ab ▁ab from 259, then what the test wants.
GgufWriter SentencePiece(const std::string& kind, const std::vector<Entry>& more = {}) {
  std::vector<Entry> entries = {{"<unk>", 0, 2}, {"<s>", 0, 3}, {"</s>", 0, 3}};
  for (int byte = 0; byte < 256; ++byte) entries.push_back({fmt::format("<0x{:02X}>", byte), 0, 6});
  float score = -1;
  for (const char* text : {"\u2581", "a", "b", "\u2581a", "ab", "\u2581ab"}) entries.push_back({text, score--, 1});
  entries.insert(entries.end(), more.begin(), more.end());
  GgufWriter w;
  w.String("tokenizer.ggml.model", kind);
  AddTokens(w, entries);
  return w;
}

TEST(GgufTokenizer, Llama) {
  const Tokenizer t = Make(SentencePiece("llama"));
  EXPECT_EQ(t.kind(), "BPE with byte fallback");
  EXPECT_EQ(t.Encode("ab"), (Ids{1, 264}));
  EXPECT_EQ(t.Encode("aab"), (Ids{1, 262, 263}));  // \u2581a comes before ab
  EXPECT_EQ(t.Encode("bab\n"), (Ids{1, 259, 261, 263, 13}));
  EXPECT_EQ(t.Encode("a</s>a"), (Ids{1, 262, 2, 262}));
  EXPECT_EQ(t.Decode(Ids{1, 262, 263, 2}, true), "aab");
  EXPECT_EQ(t.bos(), 1);
  EXPECT_EQ(Ids(t.eos().begin(), t.eos().end()), Ids{2});

  GgufWriter other = SentencePiece("llama");
  other.Bool("tokenizer.ggml.add_space_prefix", false);
  other.Bool("tokenizer.ggml.add_bos_token", false);
  other.Bool("tokenizer.ggml.add_eos_token", true);
  EXPECT_EQ(Make(other).Encode("ab"), (Ids{263, 2}));
}

TEST(GgufTokenizer, TypesOfTokens) {
  GgufWriter w = SentencePiece("llama", {{"<|user|>", 0, 4},
                                         {"<|im_end|>", 0, 1},
                                         {"[PAD267]", 0, 5},
                                         {"", 0, 5},
                                         {"[PAD269]", 0, 2},
                                         {"\u2581\u2581", 0, 4}});
  const Tokenizer t = Make(w);
  // A user's own token is one in any text and stays in what is decoded.
  EXPECT_EQ(t.Encode("a<|user|>a", {.add_special = false, .parse_special = false}), (Ids{262, 265, 262}));
  EXPECT_EQ(t.Decode(Ids{262, 265}, true), "a<|user|>");
  // What ends a turn by its name does so, whatever the file calls it.
  EXPECT_EQ(t.Encode("<|im_end|>", {.add_special = false}), Ids{266});
  EXPECT_TRUE(t.IsEos(266) && t.IsEos(2) && !t.IsEos(265));
  // Padding never comes from text.
  EXPECT_EQ(t.Encode("[PAD267]", {.add_special = false})[1], 3 + '[');
  EXPECT_EQ(t.Encode("[PAD269]", {.add_special = false})[1], 3 + '[');
  EXPECT_EQ(t.Decode(Ids{262, 268}, false), "a");
  // A run of spaces that SentencePiece has defined.
  EXPECT_EQ(t.Encode("b  b", {.add_special = false}), (Ids{259, 261, 270, 261}));
}

TEST(GgufTokenizer, Unigram) {
  const Tokenizer t = Make([] {
    GgufWriter w;
    w.String("tokenizer.ggml.model", "t5");
    AddTokens(w, {{"<pad>", 0, 3},
                  {"</s>", 0, 3},
                  {"<unk>", 0, 2},
                  {"\u2581", -3, 1},
                  {"\u2581a", -2, 1},
                  {"b", -1, 1},
                  {"\u2581ab", -2.5f, 1},
                  {"<extra_id_0>", 0, 4}});
    w.Bool("tokenizer.ggml.add_space_prefix", true);
    w.Bool("tokenizer.ggml.remove_extra_whitespaces", true);
    return w;
  }());
  EXPECT_EQ(t.kind(), "unigram");
  EXPECT_EQ(t.Encode("ab   abb"), (Ids{6, 6, 5, 1}));
  EXPECT_EQ(t.Encode("a<extra_id_0>"), (Ids{4, 7, 1}));
  EXPECT_EQ(t.Encode("x", {.add_special = false}), (Ids{3, 2}));
  EXPECT_EQ(t.pad(), 0);
}

// The 256 bytes by their spelling, then h e -> he, he l -> hel, and Ġ hel -> Ġhel; from 259 what the test wants.
GgufWriter Bpe(const std::string& pre, const std::vector<Entry>& more = {}) {
  std::vector<Entry> entries;
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    entries.push_back({SpellBytes({&c, 1}), 0, 1});
  }
  for (const char* text : {"he", "hel", "\u0120hel"}) entries.push_back({text, 0, 1});
  entries.insert(entries.end(), more.begin(), more.end());
  GgufWriter w;
  w.String("tokenizer.ggml.model", "gpt2");
  w.String("tokenizer.ggml.pre", pre);
  AddTokens(w, entries);
  return w;
}

GgufWriter WithMerges(GgufWriter w) {
  w.Strings("tokenizer.ggml.merges", {"h e", "he l", "\u0120 hel"});
  return w;
}

TEST(GgufTokenizer, ByteLevel) {
  const std::vector<Entry> more = {{"<|endoftext|>", 0, 3}, {"  ", 0, 4}, {"[PAD261]", 0, 5}, {"hello", 0, 1}};
  GgufWriter w = WithMerges(Bpe("gpt-2", more));
  w.U32("tokenizer.ggml.bos_token_id", 259);
  w.U32("tokenizer.ggml.eos_token_id", 259);
  w.U32("tokenizer.ggml.padding_token_id", UINT32_MAX);
  const Tokenizer t = Make(w);
  EXPECT_EQ(t.Encode("hello"), (Ids{257, 'l', 'o'}));  // no merge makes the whole word
  EXPECT_EQ(t.Encode("a hel"), (Ids{'a', 258}));
  EXPECT_EQ(t.Encode("a  b<|endoftext|>"), (Ids{'a', 260, 'b', 259}));
  EXPECT_EQ(t.Encode("a  b<|endoftext|>", {.add_special = true, .parse_special = false}).size(), 3u + 13u);
  EXPECT_EQ(t.Decode(Ids{258, 260, 259}, false), " hel  <|endoftext|>");
  EXPECT_EQ(t.Decode(Ids{258, 0xC3, 0xA9}, true), " hel\u00e9");
  EXPECT_FALSE(t.pad());

  // A control token that is one word of text to the model is none in literal text.
  GgufWriter word = WithMerges(Bpe("llama-bpe", {{"STOP", 0, 3}}));
  EXPECT_EQ(Make(word).Encode("STOP"), Ids{259});
  EXPECT_EQ(Make(word).Encode("STOP", {.add_special = true, .parse_special = false}), (Ids{'S', 'T', 'O', 'P'}));

  GgufWriter llama3 = WithMerges(Bpe("llama-bpe", more));
  llama3.U32("tokenizer.ggml.bos_token_id", 259);
  EXPECT_EQ(Make(llama3).Encode("hello"), (Ids{259, 262}));  // a word that is a token is one; a BOS by default
  llama3.Bool("tokenizer.ggml.add_bos_token", false);
  llama3.U32("tokenizer.ggml.eot_token_id", 5);
  EXPECT_EQ(Make(llama3).Encode("hello"), Ids{262});
  EXPECT_TRUE(Make(llama3).IsEos(5) && Make(llama3).IsEos(259));
}

TEST(GgufTokenizer, EveryPreTokenizerWorks) {
  const std::string text = "It's 1234567 hello\n\n  (caf\u00e9\u0301!) \u4e2d\u6587\uD55C x_y\t<tag> \u0E01 end  ";
  for (const std::string_view name : GgufPreTokenizerNames()) {
    if (FindGgufPreTokenizer(name)->spells_text) continue;
    const Tokenizer t = Make(WithMerges(Bpe(std::string(name))));
    EXPECT_EQ(t.Decode(t.Encode(text, {.add_special = false}), false), text) << name;
  }
  EXPECT_GE(GgufPreTokenizerNames().size(), 87u);
}

TEST(GgufTokenizer, DigitsAreGroupedFromTheRight) {
  // "23" and "123" are tokens; whether they are found tells where the number was cut.
  std::vector<Entry> more = {{"23", 0, 1}, {"123", 0, 1}};
  for (const char* pre : {"afmoe", "superbpe", "tiny_aya"}) {
    GgufWriter w = Bpe(pre, more);
    w.Strings("tokenizer.ggml.merges", {"2 3", "1 23"});
    EXPECT_EQ(Make(w).Encode("1231"), (Ids{'1', 259, '1'})) << pre;
    EXPECT_EQ(Make(w).Encode("123"), Ids{260}) << pre;
  }
}

TEST(GgufTokenizer, BpeSpelledAsText) {
  std::vector<Entry> entries = {{"<pad>", 0, 3}, {"<eos>", 0, 3}, {"<bos>", 0, 3}};
  for (int byte = 0; byte < 256; ++byte) entries.push_back({fmt::format("<0x{:02X}>", byte), 0, 6});
  for (const char* text : {"\u2581", "a", "b", "\u2581a", "\n", "\n\n"}) entries.push_back({text, 0, 1});
  GgufWriter w;
  w.String("tokenizer.ggml.model", "gemma4");
  AddTokens(w, entries);
  w.Strings("tokenizer.ggml.merges", {"\u2581 a", "\n \n"});
  w.U32("tokenizer.ggml.bos_token_id", 2);
  w.U32("tokenizer.ggml.eos_token_id", 1);
  const Tokenizer t = Make(w);
  EXPECT_EQ(t.Encode("b a\n\n\u00e9"), (Ids{2, 261, 262, 264, 3 + 0xC3, 3 + 0xA9}));
  EXPECT_EQ(t.Decode(Ids{261, 262, 264, 3 + 0xC3, 3 + 0xA9}, true), "b a\n\n\u00e9");
}

// Words with U+2581 in front, from 4 what goes on with them, from 8 what the test wants.
GgufWriter Bert(const std::vector<Entry>& more = {}) {
  std::vector<Entry> entries = {{"[PAD]", 0, 3}, {"[UNK]", 0, 3},    {"[CLS]", 0, 3},      {"[SEP]", 0, 3},
                                {"ing", 0, 1},   {"\u2581go", 0, 1}, {"\u2581cafe", 0, 1}, {"\u2581!", 0, 1}};
  entries.insert(entries.end(), more.begin(), more.end());
  GgufWriter w;
  w.String("tokenizer.ggml.model", "bert");
  AddTokens(w, entries);
  w.U32("tokenizer.ggml.unknown_token_id", 1);
  w.U32("tokenizer.ggml.cls_token_id", 2);
  w.U32("tokenizer.ggml.seperator_token_id", 3);
  return w;
}

TEST(GgufTokenizer, WordPiece) {
  const Tokenizer t = Make(Bert({{"[unused0]", 0, 1}, {"\u4e2d", 0, 5}, {"<tag>", 0, 4}}));
  EXPECT_EQ(t.kind(), "WordPiece");
  EXPECT_EQ(t.Encode("Going, caf\u00c9!"), (Ids{2, 5, 4, 1, 6, 7, 3}));
  EXPECT_EQ(t.Encode("go<tag>go [SEP]", {.add_special = false}), (Ids{5, 10, 5, 3}));
  EXPECT_EQ(t.Encode("[SEP]", {.add_special = false, .parse_special = false}), (Ids{1, 1, 1}));
  EXPECT_EQ(t.Encode("\u4e2d [unused0]", {.add_special = false}), (Ids{1, 1, 1, 1}));
  EXPECT_EQ(t.Decode(Ids{2, 5, 4, 6, 7, 3}, true), "going cafe!");
  EXPECT_EQ(t.TokenText(4), "##ing");
  EXPECT_EQ(t.TokenText(8), "[unused0]");

  GgufWriter cased = Bert({{"\u2581Go", 0, 1}});
  cased.Bool("tokenizer.ggml.normalizer.lowercase", false);
  cased.Bool("tokenizer.ggml.add_sep_token", false);
  EXPECT_EQ(Make(cased).Encode("Going go caf\u00e9"), (Ids{2, 8, 4, 5, 1}));  // accents stay with case
  cased.Bool("tokenizer.ggml.normalizer.strip_accents", true);
  EXPECT_EQ(Make(cased).Encode("caf\u00e9"), (Ids{2, 6}));

  EXPECT_NE(Message(Bert({{"\u2581##ing", 0, 1}})).find("tokens 4 and 8 are both '##ing'"), std::string::npos);
  EXPECT_NE(Message(Bert({{"\xff", 0, 1}})).find("token 8 is not valid UTF-8"), std::string::npos);
  GgufWriter id = Bert();
  id.U32("tokenizer.ggml.mask_token_id", 8);  // nothing uses it
  EXPECT_EQ(Message(id), "accepted");
  id.U32("tokenizer.ggml.padding_token_id", 8);
  EXPECT_NE(Message(id).find("8 is no token; there are 8"), std::string::npos) << Message(id);
  GgufWriter no_unk;  // 100 by default, which is not there
  no_unk.String("tokenizer.ggml.model", "bert");
  no_unk.Strings("tokenizer.ggml.tokens", {"\u2581a"});
  EXPECT_NE(Message(no_unk).find("a WordPiece model without an unk token"), std::string::npos) << Message(no_unk);
}

TEST(GgufTokenizer, ZeroBytesAndNoEnd) {
  const std::string zero("a\0b", 3);
  const std::string message = Message(SentencePiece("llama", {{zero, -7, 1}}));
  EXPECT_NE(message.find("has the character '\\x00', which is no piece"), std::string::npos) << message;
  const Tokenizer t = Make(SentencePiece("llama", {{zero, -7, 4}}));  // a token of its own
  EXPECT_EQ(t.Decode(Ids{265}, false), zero);
  GgufWriter w = WithMerges(Bpe("gpt-2"));
  w.U32("tokenizer.ggml.eos_token_id", UINT32_MAX);  // none
  EXPECT_TRUE(Make(w).eos().empty());
}

TEST(GgufTokenizer, RefusesWhatDoesNotFitTogether) {
  const auto bpe = [](const std::function<void(GgufWriter&)>& fill) {
    GgufWriter w = Bpe("gpt-2");
    fill(w);
    return Message(w);
  };
  EXPECT_NE(bpe([](auto&) {}).find("merges: missing"), std::string::npos);
  const auto merges = [&](const std::vector<std::string>& list) {
    return bpe([&](auto& w) { w.Strings("tokenizer.ggml.merges", list); });
  };
  EXPECT_EQ(merges({"h e"}), "accepted");
  EXPECT_NE(merges({"h e", "he"}).find("merge 1 is \"he\""), std::string::npos) << merges({"h e", "he"});
  EXPECT_NE(merges({"x y"}).find("speaks of a token that does not exist"), std::string::npos);
  EXPECT_NE(merges({"zz h"}).find("does not exist"), std::string::npos);
  EXPECT_NE(merges({""}).find("merge 0 is \"\""), std::string::npos);
  EXPECT_NE(merges({"h "}).find("merge 0 joins an empty token"), std::string::npos);
  EXPECT_NE(merges({" h"}).find("merge 0"), std::string::npos);

  GgufWriter pre = WithMerges(Bpe("gpt-17"));
  EXPECT_NE(Message(pre).find("\"gpt-17\" is not a known pre-tokenizer"), std::string::npos);
  GgufWriter twice = WithMerges(Bpe("gpt-2", {{"he", 0, 1}}));
  EXPECT_NE(Message(twice).find("both"), std::string::npos) << Message(twice);
  GgufWriter bad_text = WithMerges(Bpe("gpt-2", {{"\xff", 0, 1}}));
  EXPECT_NE(Message(bad_text).find("token 259 is not valid UTF-8"), std::string::npos) << Message(bad_text);
  GgufWriter long_text = WithMerges(Bpe("gpt-2", {{std::string(70000, 'x'), 0, 1}}));
  EXPECT_NE(Message(long_text).find("too long"), std::string::npos) << Message(long_text);
  GgufWriter id = WithMerges(Bpe("gpt-2"));
  id.U32("tokenizer.ggml.eos_token_id", 259);
  EXPECT_NE(Message(id).find("259 is no token; there are 259"), std::string::npos) << Message(id);

  GgufWriter kind;
  kind.String("tokenizer.ggml.model", "rwkv");
  EXPECT_NE(Message(kind).find("kind \"rwkv\" is not supported"), std::string::npos);
  GgufWriter none;
  EXPECT_NE(Message(none).find("tokenizer.ggml.model: missing"), std::string::npos);
  GgufWriter empty;
  empty.String("tokenizer.ggml.model", "llama");
  empty.Strings("tokenizer.ggml.tokens", {});
  EXPECT_NE(Message(empty).find("0 tokens"), std::string::npos);
  GgufWriter scores;
  scores.String("tokenizer.ggml.model", "llama");
  scores.Strings("tokenizer.ggml.tokens", {"a", "b"});
  EXPECT_NE(Message(scores).find("0 scores for 2 tokens"), std::string::npos) << Message(scores);
  GgufWriter types = SentencePiece("llama");
  GgufWriter few;
  few.String("tokenizer.ggml.model", "gpt2");
  few.Strings("tokenizer.ggml.tokens", {"a", "b"});
  few.List<int32_t>("tokenizer.ggml.token_type", GgufType::kI32, {1});
  EXPECT_NE(Message(few).find("1 types for 2 tokens"), std::string::npos) << Message(few);
}

TEST(GgufTokenizer, SurvivesMutations) {
  const std::string files[] = {SentencePiece("llama", {{"<|user|>", 0, 4}}).Finish(), SentencePiece("t5").Finish(),
                               WithMerges(Bpe("llama-bpe", {{"<|end|>", 0, 3}})).Finish(), Bert().Finish()};
  std::mt19937_64 rng(7);
  int accepted = 0;
  for (int i = 0; i < 800; ++i) {
    std::string bytes = files[static_cast<size_t>(i) % 4];
    for (int c = 0; c < 2; ++c) bytes[static_cast<size_t>(rng() % bytes.size())] = static_cast<char>(rng());
    try {
      const Tokenizer t(ReadGgufTokenizer(Parse(bytes)));
      t.Decode(t.Encode("hello  ab <|user|> \u00e9"), false);
      ++accepted;
    } catch (const Error&) {
    }
  }
  EXPECT_GT(accepted, 50);
}

TEST(GgufChatTemplate, VariantsAndTokens) {
  GgufWriter w = SentencePiece("llama");
  EXPECT_FALSE(FindChatTemplate(Parse(w.Finish()), false));
  w.String("tokenizer.chat_template.tool_use", "tools");
  const std::string only_tools = w.Finish();
  EXPECT_THROW(FindChatTemplate(Parse(only_tools), false), Error);
  w.String("tokenizer.chat_template", "plain");
  w.Strings("tokenizer.chat_templates", {"tool_use"});
  const std::string bytes = w.Finish();
  const GgufFile file = Parse(bytes);
  EXPECT_EQ(FindChatTemplate(file, false)->source, "plain");
  EXPECT_EQ(FindChatTemplate(file, true)->source, "tools");
  EXPECT_EQ(FindChatTemplate(file, true)->name, "tokenizer.chat_template.tool_use");
  const auto tokens = ReadSpecialTokens(file);
  EXPECT_EQ(tokens.at("bos_token"), "<s>");
  EXPECT_EQ(tokens.at("eos_token"), "</s>");
  EXPECT_FALSE(tokens.contains("pad_token"));
}

}  // namespace
}  // namespace spate
