#include "checkpoint/read_tokenizer.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "tokenizer/tokenizer.h"

namespace spate {
namespace {

using Ids = std::vector<int32_t>;

constexpr std::string_view kSmall = R"({
    "added_tokens": [
      {"id": 5, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
       "special": true},
      {"id": 6, "content": "</s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
       "special": true}],
    "decoder": {"type": "Sequence", "decoders": [{"type": "Fuse"}]},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "?": 3, "abb": 4}, "merges": ["a b", "ab b"]}})";

class TokenizerFolder : public ::testing::Test {
 protected:
  TokenizerFolder() : folder_(std::filesystem::path(::testing::TempDir()) / "spate_tokenizer_json_test") {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~TokenizerFolder() override { std::filesystem::remove_all(folder_); }
  void Write(std::string_view name, std::string_view text) { std::ofstream(folder_ / name) << text; }
  std::filesystem::path folder_;
};

TEST_F(TokenizerFolder, GathersWhatEndsAGeneration) {
  Write("tokenizer.json", kSmall);
  Write("config.json", R"({"eos_token_id": 2})");
  EXPECT_EQ(ReadTokenizer(folder_).eos, Ids{2});
  Write("generation_config.json", R"({"eos_token_id": [6, 4, 128009]})");
  EXPECT_EQ(ReadTokenizer(folder_).eos, (Ids{6, 4, 128009}));
  Write("tokenizer_config.json", R"({"eos_token": "</s>", "chat_template": "x"})");
  EXPECT_EQ(ReadTokenizer(folder_).eos, (Ids{6, 4, 128009}));
  Write("generation_config.json", R"({"eos_token_id": "x"})");
  EXPECT_THROW(ReadTokenizer(folder_), Error);
}

TEST_F(TokenizerFolder, MissingFolder) {
  try {
    ReadTokenizer(folder_ / "nowhere");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string_view(e.what()).find("nowhere: does not exist"), std::string_view::npos);
  }
}

TEST_F(TokenizerFolder, MissingFile) {
  try {
    ReadTokenizer(folder_);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kBadInput);
    EXPECT_NE(std::string_view(e.what()).find("no tokenizer.json and no tokenizer.model"), std::string_view::npos);
  }
}

TEST_F(TokenizerFolder, AFileAlone) {
  Write("tokenizer.json", kSmall);
  Write("config.json", R"({"eos_token_id": 2})");
  EXPECT_TRUE(ReadTokenizer(folder_ / "tokenizer.json").eos.empty());
  for (const std::string_view bad : {"hello", "\x08\x01", "YQ== 0\nYg== 1\n", "\xFF\xFE", "\n\n"}) {
    Write("tokenizer.model", bad);
    try {
      ReadTokenizer(folder_ / "tokenizer.model");
      ADD_FAILURE() << bad;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kBadInput);
      EXPECT_NE(std::string_view(e.what()).find("tokenizer.model: "), std::string_view::npos) << e.what();
    }
  }
}

TEST_F(TokenizerFolder, TokensOfTheConfig) {
  Write("tokenizer.json", kSmall);
  const auto entry = [](std::string_view text) {
    return fmt::format(R"({{"content": "{}", "lstrip": false, "normalized": false, "rstrip": false,
                           "single_word": false, "special": true}})",
                       text);
  };
  Write("tokenizer_config.json",
        R"({"added_tokens_decoder": {"7": )" + entry("<new>") + R"(, "5": )" + entry("<s>") + "}}");
  const Tokenizer tokenizer(ReadTokenizer(folder_));
  EXPECT_EQ(tokenizer.Encode("a<new>"), (Ids{0, 7}));
  EXPECT_TRUE(tokenizer.IsSpecial(7));
  Write("special_tokens_map.json", R"({"bos_token": "<s>", "eos_token": {"content": "</s>"}, "pad_token": "<none>"})");
  const Vocabulary v = ReadTokenizer(folder_);
  EXPECT_EQ(v.bos, 5);
  EXPECT_EQ(v.eos, Ids{6});
  EXPECT_EQ(v.pad, -1);
  for (const std::string_view id : {"x", "-1", "99999999", "100000", "530", "9999999999999"}) {
    Write("tokenizer_config.json", fmt::format(R"({{"added_tokens_decoder": {{"{}": {}}}}})", id, entry("<x>")));
    EXPECT_THROW(ReadTokenizer(folder_), Error) << id;
  }
}

}  // namespace
}  // namespace spate
