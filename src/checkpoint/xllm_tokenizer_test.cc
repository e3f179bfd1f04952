#include "checkpoint/xllm_tokenizer.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "base/mmap_file.h"
#include "base/utf8.h"
#include "checkpoint/sentencepiece_model.h"
#include "checkpoint/test_files.h"
#include "tokenizer/detokenizer.h"
#include "tokenizer/tokenizer.h"

namespace spate {
namespace {

#define EXPECT_HAS(message, part) EXPECT_NE((message).find(part), std::string::npos) << (message)

template <typename T>
std::string Raw(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

// What the exporter writes for a SentencePiece model, behind a header of these numbers.
std::string Export(const SentencePieceProto& proto, const std::vector<uint32_t>& header) {
  std::string file;
  for (const uint32_t number : header) file += Raw(number);
  for (const SentencePieceProto::Piece& piece : proto.pieces) {
    std::string text(piece.text);
    if (piece.type == PieceType::kControl) text = "\n" + text + "\n";
    if (piece.type == PieceType::kByte) {
      const auto byte = static_cast<char32_t>(std::stoi(text.substr(3, 2), nullptr, 16));
      text.clear();
      AppendUtf8(text, byte);
    }
    for (size_t at; (at = text.find("\u2581")) != std::string::npos;) text.replace(at, 3, " ");
    file += Raw(piece.score) + Raw(static_cast<uint32_t>(text.size())) + text;
  }
  return file;
}

// A vocabulary shaped as Llama 2's: <unk>, <s>, </s>, the bytes, then merges before their characters.
struct Small {
  Small() {
    const auto add = [&](std::string text, float score, PieceType type) {
      texts.push_back(std::move(text));
      proto.pieces.push_back({.text = {}, .score = score, .type = type});
    };
    add("<unk>", 0, PieceType::kUnknown);
    add("<s>", 0, PieceType::kControl);
    add("</s>", 0, PieceType::kControl);
    for (int byte = 0; byte < 256; ++byte) add(fmt::format("<0x{:02X}>", byte), 0, PieceType::kByte);
    float score = 0;
    for (const char* text : {"\u2581h", "ll", "ello", "\u2581hello", "el", "\u2581", "h", "e", "l", "o", "\u00e9"}) {
      add(text, score, PieceType::kNormal);
      score -= 1;
    }
    for (size_t i = 0; i < texts.size(); ++i) proto.pieces[i].text = texts[i];
    proto.model_type = SentencePieceProto::ModelType::kBpe;
    proto.byte_fallback = true;
    proto.normalizer.remove_extra_whitespaces = false;
  }
  std::vector<std::string> texts;
  SentencePieceProto proto;
};

void ExpectSameIds(const Vocabulary& got, const Vocabulary& want, const std::vector<std::string>& texts) {
  EXPECT_EQ(got.tokens, want.tokens);
  EXPECT_EQ(got.bos, want.bos);
  EXPECT_EQ(got.eos, want.eos);
  EXPECT_EQ(got.unk, want.unk);
  const Tokenizer a(got), b(want);
  for (const std::string& text : texts) {
    const std::vector<int32_t> ids = a.Encode(text);
    EXPECT_EQ(ids, b.Encode(text)) << text;
    EXPECT_EQ(a.Decode(ids, true), b.Decode(ids, true)) << text;
  }
}

const std::vector<std::string> kTexts = {
    "hello",        " hello  hello",          "",
    "h\u00e9llo\n", "A\xc3\x86 \u4f60\u597d", "[INST] what is the recipe of mayonnaise? [/INST]",
    "hello world!"};

TEST(XllmTokenizer, GivesSentencePiecesIds) {
  const Small small;
  const auto count = static_cast<uint32_t>(small.proto.pieces.size());
  for (const std::vector<uint32_t>& header : {std::vector<uint32_t>{count, 1, 2}, {count}, {count, 27}}) {
    ExpectSameIds(ParseXllmTokenizer(Export(small.proto, header), "t.bin"),
                  MakeSentencePieceVocabulary(small.proto, "t.model"), kTexts);
  }
}

TEST(XllmTokenizer, GivesLlama2sIds) {
  const std::filesystem::path model =
      std::filesystem::path(SPATE_SOURCE_DIR) / "../shared/data/tokenizers/llama2-sentencepiece.model";
  if (!std::filesystem::exists(model)) GTEST_SKIP() << "no " << model << " here";
  const std::string bytes = ReadTextFile(model.string(), 1 << 24);
  const SentencePieceProto proto = ReadSentencePieceProto(bytes, "t.model");
  const Vocabulary vocabulary = ParseXllmTokenizer(Export(proto, {32000, 1, 2}), "t.bin");
  ExpectSameIds(vocabulary, ParseSentencePieceModel(bytes, "t.model"), kTexts);
  // As published: with the space before the text that xLLM's own encoder leaves out.
  EXPECT_EQ(Tokenizer(vocabulary).Encode("hello world!"), (std::vector<int32_t>{1, 22172, 3186, 29991}));
}

TEST(XllmTokenizer, RefusesWhatIsNotExactlyRight) {
  const Small small;
  const auto count = static_cast<uint32_t>(small.proto.pieces.size());
  const std::string good = Export(small.proto, {count, 1, 2});
  const auto message = [](const std::string& file) {
    return BadInputMessage([&] { ParseXllmTokenizer(file, "t.bin"); });
  };
  EXPECT_EQ(message(good), "accepted");
  EXPECT_HAS(message(""), "not a tokenizer file");
  EXPECT_HAS(message(good.substr(0, good.size() - 1)), "truncated");
  EXPECT_HAS(message(good + "x"), "do not end with the file");
  EXPECT_HAS(message(Raw(UINT32_MAX) + good.substr(4)), "do not end with the file");
  SentencePieceProto no_bytes = small.proto;
  no_bytes.pieces.resize(200);
  EXPECT_HAS(message(Export(no_bytes, {200, 1, 2})), "256 bytes");
}

TEST(XllmTokenizer, SurvivesMutations) {
  const Small small;
  const std::string file = Export(small.proto, {static_cast<uint32_t>(small.proto.pieces.size()), 1, 2});
  ExpectSurvivesMutations(file, 1000, [](const std::string& bytes) {
    const std::vector<char> exact(bytes.begin(), bytes.end());  // nothing readable behind the end
    ParseXllmTokenizer({exact.data(), exact.size()}, "t.bin");
  });
}

}  // namespace
}  // namespace spate
