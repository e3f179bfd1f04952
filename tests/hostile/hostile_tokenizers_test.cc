// 1,000 broken copies of a small tokenizer in each file format: it is read, in memory that grows with the file alone,
// or refused in one line; what was read encodes and decodes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/gguf_writer_for_test.h"
#include "checkpoint/read_tokenizer.h"
#include "tests/hostile/broken_copy.h"
#include "tokenizer/tokenizer.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

constexpr int kRounds = 1000;
// Of a token that takes 9 to 20 bytes in the file: a string of 32, and as much again while a list grows; 16 to 32 in
// the table of texts; for a merge 16 in the list and 32 to 64 in its table. A piece with its score in JSON is the most,
// 130 bytes of JSON values before these, but it takes 17 bytes in the file. 512 ids without a token take 25 KiB.
constexpr MemoryBound kBound = {.times = 12, .slack = size_t{32} << 10};

void ExpectSurvives(const BrokenCopy& copy) {
  const auto read = [&] { return Tokenizer(ReadTokenizer(copy.folder())); };
  ASSERT_NO_THROW(read());
  const auto use = [&] {
    const Tokenizer tokenizer = read();
    for (const char* text : {"", "hello  world 123 \u00e9\u4e2d <s>", "<|eot_id|><0x0A> a\n\n\tb"}) {
      tokenizer.Decode(tokenizer.Encode(text), false);
    }
  };
  copy.Survives(
      kRounds, kBound, [&] { read(); }, use);
}

std::string Varint(uint64_t value) {
  std::string out;
  for (; value >= 128; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}
std::string IntField(uint32_t field, uint64_t value) { return Varint(field << 3) + Varint(value); }
std::string BytesField(uint32_t field, const std::string& value) {
  return Varint(field << 3 | 2) + Varint(value.size()) + value;
}

// SentencePiece's protobuf; model type 1 is unigram, 2 BPE.
std::string SentencePiece(uint64_t model_type) {
  std::string file;
  const auto add = [&](const std::string& text, float score, uint64_t type) {
    file += BytesField(1, BytesField(1, text) + Varint(2 << 3 | 5) + GgufWriter::Raw(score) + IntField(3, type));
  };
  add("<unk>", 0, 2);
  add("<s>", 0, 3);
  add("</s>", 0, 3);
  for (int byte = 0; byte < 256; ++byte) add(fmt::format("<0x{:02X}>", byte), 0, 6);
  float score = -1;
  for (const char* text : {"\u2581", "h", "e", "l", "o", "he", "ll", "hell", "\u2581hell", "o\u2581", "w", "d"}) {
    add(text, score--, 1);
  }
  return file + BytesField(2, IntField(3, model_type) + IntField(35, 1)) + BytesField(3, IntField(4, 0));
}

std::string Base64(const std::string& bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    uint32_t bits = 0;
    const size_t count = std::min<size_t>(3, bytes.size() - at);
    for (size_t i = 0; i < 3; ++i) bits = bits << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0);
    for (size_t i = 0; i < 4; ++i) out += i <= count ? kAlphabet[bits >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

// A llama tokenizer in GGUF: pieces with scores, or byte-level BPE with merges.
std::string Gguf(bool bpe) {
  GgufWriter w;
  std::vector<std::string> texts = {"<unk>", "<s>", "</s>"};
  std::vector<float> scores(3, 0);
  std::vector<int32_t> types = {2, 3, 3};
  const auto add = [&](std::string text, int32_t type) {
    texts.push_back(std::move(text));
    scores.push_back(-static_cast<float>(texts.size()));
    types.push_back(type);
  };
  for (int byte = 0; !bpe && byte < 256; ++byte) add(fmt::format("<0x{:02X}>", byte), 6);
  for (char c = 'a'; c <= 'z'; ++c) add(std::string(1, c), 1);
  for (const char* text : {"he", "ll", "hell", "hello", "or"}) add(text, 1);
  w.String("tokenizer.ggml.model", bpe ? "gpt2" : "llama");
  if (bpe) w.String("tokenizer.ggml.pre", "llama-bpe");
  w.Strings("tokenizer.ggml.tokens", texts);
  w.List("tokenizer.ggml.scores", GgufType::kF32, scores);
  w.List("tokenizer.ggml.token_type", GgufType::kI32, types);
  if (bpe) w.Strings("tokenizer.ggml.merges", {"h e", "l l", "he ll", "hell o", "o r"});
  w.U32("tokenizer.ggml.bos_token_id", 1);
  w.U32("tokenizer.ggml.eos_token_id", 2);
  w.Bool("tokenizer.ggml.add_bos_token", true);
  return w.Finish();
}

TEST(HostileTokenizers, SentencePieceUnigram) {
  ExpectSurvives(BrokenCopy("tokenizer.model", SentencePiece(1), Grammar::kBytes));
}

TEST(HostileTokenizers, SentencePieceBpe) {
  ExpectSurvives(BrokenCopy("tokenizer.model", SentencePiece(2), Grammar::kBytes));
}

TEST(HostileTokenizers, Tiktoken) {
  std::string file;
  int rank = 0;
  for (int byte = 0; byte < 256; ++byte) {
    file += fmt::format("{} {}\n", Base64(std::string(1, static_cast<char>(byte))), rank++);
  }
  for (const char* token : {"he", "ll", "hell", "hello", " w", "or", "123"}) {
    file += fmt::format("{} {}\n", Base64(token), rank++);
  }
  const BrokenCopy copy("tokenizer.model", file, Grammar::kText);
  // Without names for them the special tokens are unknown.
  ReplaceFile(
      copy.folder() / "tokenizer_config.json",
      fmt::format(
          R"({{"added_tokens_decoder":{{"{}":{{"content":"<|eot_id|>","special":true,"normalized":false,"lstrip":false,"rstrip":false,"single_word":false}}}}}})",
          rank));
  ExpectSurvives(copy);
}

TEST(HostileTokenizers, GgufPieces) { ExpectSurvives(BrokenCopy("model.gguf", Gguf(false), Grammar::kBytes)); }

TEST(HostileTokenizers, GgufMerges) { ExpectSurvives(BrokenCopy("model.gguf", Gguf(true), Grammar::kBytes)); }

// tokenizer.json as T5's and Gemma's relatives have it: pieces with scores.
std::string UnigramJson() {
  std::string vocab = R"(["<unk>",0])";
  for (int i = 0; i < 600; ++i) vocab += fmt::format(R"(,["{}{:x}",-{}.25])", i % 3 == 0 ? "\u2581" : "", i, i);
  return fmt::format(
      R"({{"version":"1.0","added_tokens":[{{"id":0,"content":"<unk>","single_word":false,"lstrip":false,)"
      R"("rstrip":false,"normalized":false,"special":true}}],"normalizer":null,"pre_tokenizer":{{"type":"Metaspace",)"
      R"("replacement":"\u2581","prepend_scheme":"always"}},"post_processor":null,"decoder":{{"type":"Metaspace",)"
      R"("replacement":"\u2581","prepend_scheme":"always"}},"model":{{"type":"Unigram","unk_id":0,"vocab":[{}]}}}})",
      vocab);
}

TEST(HostileTokenizers, JsonUnigram) { ExpectSurvives(BrokenCopy("tokenizer.json", UnigramJson(), Grammar::kText)); }

class HostileTokenizerJson : public ::testing::TestWithParam<const char*> {};

TEST_P(HostileTokenizerJson, EndsInSuccessOrOneLine) {
  const fs::path source = fs::path(SPATE_SOURCE_DIR) / GetParam();
  ExpectSurvives(BrokenCopy(source, {{"tokenizer.json", Grammar::kText}}));
}

INSTANTIATE_TEST_SUITE_P(All, HostileTokenizerJson,
                         ::testing::Values("tests/golden/tokenizer/gpt2", "tests/golden/tokenizer/llama2",
                                           "tests/golden/tokenizer/llama3", "tests/golden/tokenizer/metaspace",
                                           "tests/golden/tokenizer/mistral", "tests/golden/tokenizer/odd",
                                           "tests/golden/tokenizer/partial_fallback", "tests/golden/tokenizer/qwen2",
                                           "tests/golden/tokenizer/wordpiece", "models/demo"),
                         [](const auto& test) { return fs::path(test.param).filename().string(); });

}  // namespace
}  // namespace spate
