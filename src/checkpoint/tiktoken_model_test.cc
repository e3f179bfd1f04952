#include "checkpoint/tiktoken_model.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tokenizer/tokenizer.h"

namespace spate {
namespace {

using Ids = std::vector<int32_t>;

std::string Base64(std::string_view bytes) {
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

std::string File(const std::vector<std::string>& tokens) {
  std::string file;
  int rank = 0;
  for (int byte = 0; byte < 256; ++byte) {
    file += fmt::format("{} {}\n", Base64(std::string(1, static_cast<char>(byte))), rank++);
  }
  for (const std::string& token : tokens) file += fmt::format("{} {}\n", Base64(token), rank++);
  return file;
}

std::string ErrorOf(std::string_view file) {
  try {
    ParseTiktokenModel(file, "t");
    return "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kBadInput);
    EXPECT_EQ(std::string_view(e.what()).find('\n'), std::string_view::npos) << e.what();
    return e.what();
  }
}

TEST(TiktokenModel, RanksAreIds) {
  // "abc" can be made of ab c and of a bc; what is done first decides what else can be.
  Vocabulary v = ParseTiktokenModel(File({"bc", "ab", "abc", "abcd", "xyz"}), "t");
  AddLlama3SpecialTokens(&v);
  const Tokenizer tokenizer(std::move(v));
  EXPECT_EQ(tokenizer.vocab_size(), 256 + 5 + 256);
  EXPECT_EQ(tokenizer.Encode("abcabcd", {.add_special = false}), (Ids{258, 259}));
  EXPECT_EQ(tokenizer.Encode("aab", {.add_special = false}), (Ids{'a', 257}));
  EXPECT_EQ(tokenizer.Encode("xyz", {.add_special = false}), Ids{260});  // nothing merges to it, but it is the word
  EXPECT_EQ(tokenizer.Encode("xyza", {.add_special = false}), (Ids{'x', 'y', 'z', 'a'}));
  EXPECT_EQ(tokenizer.bos(), 261);
  EXPECT_EQ(tokenizer.TokenText(516), "<|reserved_special_token_250|>");
}

TEST(TiktokenModel, SaysWhatIsWrong) {
  EXPECT_EQ(ErrorOf(File({"ab"})), "no error");
  EXPECT_NE(ErrorOf(File({"ab", "ab"})).find("tokens 256 and 257 are the same"), std::string::npos);
  EXPECT_NE(ErrorOf(File({}) + "YWI= 257\n").find("line 257 has rank 257, expected 256"), std::string::npos);
  EXPECT_NE(ErrorOf(File({}) + "YWI 256\n").find("line 257 is 'YWI 256'"), std::string::npos);
  EXPECT_NE(ErrorOf(File({}) + "YWI=\n").find("line 257"), std::string::npos);
  EXPECT_NE(ErrorOf(File({}) + "YW*= 256\n").find("line 257"), std::string::npos);
  EXPECT_NE(ErrorOf(File({}) + "YWI= -1\n").find("line 257"), std::string::npos);
  EXPECT_NE(ErrorOf(File({}) + "YWI= 99999999999999999999\n").find("line 257"), std::string::npos);
  EXPECT_NE(ErrorOf(File({}) + std::string("YW\0= 256\n", 9)).find("line 257"), std::string::npos);
  EXPECT_NE(ErrorOf(File({std::string(70000, 'a')})).find("a token of 70000 bytes"), std::string::npos);
  EXPECT_NE(ErrorOf("YQ== 0\n").find("no token for byte 0x00"), std::string::npos);
  EXPECT_NE(ErrorOf("").find("no token for byte 0x00"), std::string::npos);
  const std::string whole = File({});
  for (size_t n = 0; n + 1 < whole.size(); n += 7) ASSERT_NE(ErrorOf(whole.substr(0, n)), "no error") << n;
  EXPECT_TRUE(IsTiktokenModel("YQ== 0\nrest"));
  EXPECT_FALSE(IsTiktokenModel("{}"));
  EXPECT_FALSE(IsTiktokenModel(""));
}

}  // namespace
}  // namespace spate
