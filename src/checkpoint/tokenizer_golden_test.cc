// What Hugging Face tokenizers makes of texts and ids, written by tools/make_tokenizer_goldens.py, must come out here
// bit for bit. SPATE_TOKENIZER_GOLDENS=DIR adds another folder of the same form (random cases).
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/mmap_file.h"
#include "checkpoint/read_tokenizer.h"
#include "tokenizer/detokenizer.h"
#include "tokenizer/tokenizer.h"

namespace spate {
namespace {

using nlohmann::json;

std::vector<std::filesystem::path> GoldenFolders() {
  std::vector<std::filesystem::path> roots = {std::filesystem::path(SPATE_SOURCE_DIR) / "tests/golden/tokenizer"};
  if (const char* more = std::getenv("SPATE_TOKENIZER_GOLDENS")) roots.emplace_back(more);
  std::vector<std::filesystem::path> folders;
  for (const auto& root : roots) {
    if (!std::filesystem::exists(root)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(root)) {
      if (entry.is_directory()) folders.push_back(entry.path());
    }
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

std::string Streamed(const Tokenizer& tokenizer, const std::vector<int32_t>& ids, bool skip_special) {
  Detokenizer detokenizer(tokenizer, {.skip_special = skip_special});
  std::string text;
  for (const int32_t id : ids) text += detokenizer.Push(id);
  return text + detokenizer.Flush();
}

class TokenizerGolden : public ::testing::TestWithParam<std::filesystem::path> {
 protected:
  TokenizerGolden()
      : tokenizer_(ReadTokenizer(GetParam())),
        cases_(json::parse(ReadTextFile((GetParam() / "cases.json").string(), size_t{1} << 30))) {}

  void ExpectText(const json& expected, const std::vector<int32_t>& ids, bool skip_special) {
    if (expected.is_null()) return;  // the reference panics: it strips more than there is
    const std::string text = expected.get<std::string>();
    EXPECT_EQ(tokenizer_.Decode(ids, skip_special), text) << json(ids);
    EXPECT_EQ(Streamed(tokenizer_, ids, skip_special), text) << json(ids);
  }

  Tokenizer tokenizer_;
  json cases_;
};

TEST_P(TokenizerGolden, Encodes) {
  ASSERT_GT(cases_["encode"].size(), 100u);
  int failures = 0;
  for (const json& c : cases_["encode"]) {
    const std::string text = c["text"];
    const std::vector<int32_t> special = c["ids"];
    const std::vector<int32_t> plain = c.contains("plain") ? c["plain"].get<std::vector<int32_t>>() : special;
    const std::vector<int32_t> literal = c.contains("literal") ? c["literal"].get<std::vector<int32_t>>() : plain;
    EXPECT_EQ(tokenizer_.Encode(text), special) << c["text"];
    EXPECT_EQ(tokenizer_.Encode(text, {.add_special = false}), plain) << c["text"];
    EXPECT_EQ(tokenizer_.Encode(text, {.add_special = false, .parse_special = false}), literal) << c["text"];
    if (HasFailure() && ++failures == 20) break;
  }
}

TEST_P(TokenizerGolden, DecodesWhatItEncodes) {
  for (const json& c : cases_["encode"]) {
    const std::vector<int32_t> ids = c["ids"];
    ExpectText(c.contains("decoded") ? c["decoded"] : c["text"], ids, false);
    ExpectText(c.contains("skipped") ? c["skipped"] : c["text"], ids, true);
    if (HasFailure()) break;
  }
}

TEST_P(TokenizerGolden, DecodesAnyIds) {
  ASSERT_GT(cases_["decode"].size(), 50u);
  for (const json& c : cases_["decode"]) {
    const std::vector<int32_t> ids = c["ids"];
    ExpectText(c["decoded"], ids, false);
    ExpectText(c["skipped"], ids, true);
    if (HasFailure()) break;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, TokenizerGolden, ::testing::ValuesIn(GoldenFolders()), [](const auto& param_info) {
  return param_info.param.parent_path().filename().string() + "_" + param_info.param.filename().string();
});

}  // namespace
}  // namespace spate
