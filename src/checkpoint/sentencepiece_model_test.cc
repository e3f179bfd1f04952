#include "checkpoint/sentencepiece_model.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <random>

#include "base/error.h"
#include "checkpoint/sentencepiece_proto.h"
#include "tokenizer/detokenizer.h"
#include "tokenizer/tokenizer.h"

namespace spate {
namespace {

using Ids = std::vector<int32_t>;

std::string Varint(uint64_t value) {
  std::string out;
  for (; value >= 128; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}
std::string IntField(uint32_t field, int64_t value) {
  return Varint(field << 3) + Varint(static_cast<uint64_t>(value));
}
std::string BytesField(uint32_t field, std::string_view value) {
  return Varint(field << 3 | 2) + Varint(value.size()) + std::string(value);
}
std::string PieceField(std::string_view text, float score, PieceType type) {
  std::string bits(sizeof(score), '\0');
  std::memcpy(bits.data(), &score, sizeof(score));
  return BytesField(1, BytesField(1, text) + Varint(2 << 3 | 5) + bits + IntField(3, static_cast<int64_t>(type)));
}

// A model file in pieces, so that a test can spoil one.
struct Model {
  std::string pieces = PieceField("<unk>", 0, PieceType::kUnknown) + PieceField("<s>", 0, PieceType::kControl) +
                       PieceField("</s>", 0, PieceType::kControl);
  std::string trainer = IntField(3, 2);
  std::string normalizer = IntField(4, 0);  // keep spaces

  void Add(std::string_view text, float score, PieceType type = PieceType::kNormal) {
    pieces += PieceField(text, score, type);
  }
  std::string File() const { return pieces + BytesField(2, trainer) + BytesField(3, normalizer); }
};

Model Bpe() {
  Model m;
  for (const auto& [text, score] : {std::pair("\u2581", -9.f),
                                    {"a", -9.f},
                                    {"b", -9.f},
                                    {"ab", -1.f},
                                    {"\u2581a", -2.f},
                                    {"bb", -1.f},
                                    {"abb", -3.f}}) {
    m.Add(text, score);  // 3 to 9
  }
  return m;
}

Ids Encode(const Model& model, std::string_view text) {
  return Tokenizer(ParseSentencePieceModel(model.File(), "t")).Encode(text, {.add_special = false});
}

std::string ErrorOf(std::string_view file) {
  try {
    const Tokenizer tokenizer(ParseSentencePieceModel(file, "t"));
    return "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kBadInput);
    EXPECT_EQ(std::string_view(e.what()).find('\n'), std::string_view::npos) << e.what();
    return e.what();
  }
}

TEST(SentencePieceModel, MergesByScoreThenFromTheLeft) {
  const Model m = Bpe();
  EXPECT_EQ(Encode(m, "abb"), (Ids{3, 9}));  // ab and bb have one score: the left one first, then ab b
  EXPECT_EQ(Encode(m, "bb"), (Ids{3, 8}));
  EXPECT_EQ(Encode(m, " a"), (Ids{3, 7}));
  EXPECT_EQ(Encode(m, "axyb"), (Ids{7, 0, 5}));  // unknown characters in a row are one
  const Tokenizer tokenizer(ParseSentencePieceModel(m.File(), "t"));
  EXPECT_EQ(tokenizer.Encode("</s>b"), (Ids{1, 2, 3, 5}));
  EXPECT_EQ(tokenizer.Decode(Ids{1, 3, 9, 7, 0, 2}, true), "abb a \u2047 ");
}

TEST(SentencePieceModel, UserDefinedSymbolsStayWhole) {
  Model m = Bpe();
  m.Add("ba", 0, PieceType::kUserDefined);  // 10
  m.Add("bab", 0, PieceType::kUserDefined);
  EXPECT_EQ(Encode(m, "ababb"), (Ids{7, 11, 5}));
  EXPECT_EQ(Encode(m, "abaa"), (Ids{7, 10, 4}));
}

TEST(SentencePieceModel, Unigram) {
  Model m;
  m.trainer = IntField(3, 1);
  for (const auto& [text, score] : {std::pair("\u2581", -1.f), {"a", -2.f}, {"aa", -3.f}, {"aaa", -5.5f}}) {
    m.Add(text, score);  // 3 to 6
  }
  m.Add("ab", -4, PieceType::kUnused);
  EXPECT_EQ(Encode(m, "aaaa"), (Ids{3, 5, 5}));
  EXPECT_EQ(Encode(m, "aaa"), (Ids{3, 4, 5}));  // a aa and aa a are equal: the longer one last
  EXPECT_EQ(Encode(m, "abab"), (Ids{3, 4, 0, 4, 0}));
  EXPECT_EQ(Encode(m, ""), Ids{});
  const Tokenizer tokenizer(ParseSentencePieceModel(m.File(), "t"));
  EXPECT_EQ(tokenizer.kind(), "unigram");
  EXPECT_GT(tokenizer.Encode(std::string(1'000'000, 'a')).size(), 300'000u);
}

TEST(SentencePieceModel, Spaces) {
  Model m = Bpe();
  m.normalizer = "";  // defaults: spaces collapse
  EXPECT_EQ(Encode(m, "  b   b  "), (Ids{3, 5, 3, 5}));
  EXPECT_EQ(Encode(m, "   "), Ids{});
  m.normalizer = IntField(3, 0) + IntField(4, 0);
  EXPECT_EQ(Encode(m, "b  b "), (Ids{5, 3, 3, 5, 3}));
  m.normalizer = IntField(4, 0);
  m.trainer += IntField(24, 1);
  EXPECT_EQ(Encode(m, "b"), (Ids{5, 3}));
}

TEST(SentencePieceModel, EveryTruncationIsAnError) {
  const std::string file = Bpe().File();
  for (size_t n = 0; n < file.size(); ++n) ASSERT_NE(ErrorOf(file.substr(0, n)), "no error") << n;
}

TEST(SentencePieceModel, SaysWhatIsWrong) {
  const std::pair<const char*, std::function<void(Model&)>> cases[] = {
      {"no pieces", [](Model& m) { m.pieces.clear(); }},
      {"type 3 (WORD)", [](Model& m) { m.trainer = IntField(3, 3); }},
      {"type 4 (CHAR)", [](Model& m) { m.trainer = IntField(3, 4); }},
      {"type -1 (unknown)", [](Model& m) { m.trainer = IntField(3, -1); }},
      {"'ab' occurs twice", [](Model& m) { m.Add("ab", 0); }},
      {"piece 10 is empty", [](Model& m) { m.Add("", 0); }},
      {"not valid UTF-8", [](Model& m) { m.Add("\xFF", 0); }},
      {"has 70000 bytes", [](Model& m) { m.Add(std::string(70000, 'a'), 0); }},
      {"has score nan", [](Model& m) { m.Add("x", NAN); }},
      {"2 unknown pieces", [](Model& m) { m.Add("x", 0, PieceType::kUnknown); }},
      {"has type 9", [](Model& m) { m.Add("x", 0, static_cast<PieceType>(9)); }},
      {"byte_fallback is off", [](Model& m) { m.Add("<0x41>", 0, PieceType::kByte); }},
      {"no piece <0x00>", [](Model& m) { m.trainer += IntField(35, 1); }},
      {"'x', which is no piece", [](Model& m) { m.Add("ax", 0); }},
      {"is unused: not supported", [](Model& m) { m.Add("x", 0, PieceType::kUnused); }},
      {"map of 3 bytes: it is cut off", [](Model& m) { m.normalizer = BytesField(2, "abc"); }},
      {"its trie is cut off", [](Model& m) { m.normalizer = BytesField(2, "\xFF\xFF\xFF\xFF"); }},
      {"replacements are not valid UTF-8",
       [](Model& m) { m.normalizer = BytesField(2, std::string("\0\0\0\0\xFF\0", 6)); }},
      {"field number 0", [](Model& m) { m.pieces += IntField(0, 1); }},
      {"wire type 3", [](Model& m) { m.pieces += "\x0B"; }},
      {"more than 64 bits", [](Model& m) { m.pieces += std::string(12, '\xFF'); }},
      {"wire type 0, expected 2", [](Model& m) { m.pieces += IntField(1, 7); }},
  };
  for (const auto& [message, change] : cases) {
    Model m = Bpe();
    change(m);
    const std::string error = ErrorOf(m.File());
    EXPECT_NE(error.find(message), std::string::npos) << message << ": " << error;
  }
  EXPECT_NE(ErrorOf("").find("0 pieces, but no trainer_spec"), std::string::npos);
}

// Ids at random, bytes that make no character among them, in one piece and one by one.
TEST(SentencePieceModel, StreamsWhatItDecodes) {
  Model m = Bpe();
  m.trainer += IntField(35, 1);
  for (int byte = 0; byte < 256; ++byte) m.Add(fmt::format("<0x{:02X}>", byte), 0, PieceType::kByte);
  std::mt19937 random(3);
  for (const bool collapse : {false, true}) {
    m.normalizer = IntField(4, collapse);
    const Tokenizer tokenizer(ParseSentencePieceModel(m.File(), "t"));
    EXPECT_EQ(tokenizer.Decode(Ids{3, 3, 4}, true), collapse ? "a" : " a");
    EXPECT_EQ(tokenizer.Decode(Ids{10 + 0xC3, 10 + 0xA9, 10 + 0xC3, 4}, true), "\u00E9\uFFFDa");
    for (int round = 0; round < 2000; ++round) {
      Ids ids(random() % 8);
      for (int32_t& id : ids) id = static_cast<int32_t>(random() % 2 == 0 ? random() % 10 : 10 + 0xC0 + random() % 64);
      Detokenizer detokenizer(tokenizer);
      std::string streamed;
      for (const int32_t id : ids) streamed += detokenizer.Push(id);
      ASSERT_EQ(streamed + detokenizer.Flush(), tokenizer.Decode(ids, true)) << testing::PrintToString(ids);
    }
  }
}

}  // namespace
}  // namespace spate
