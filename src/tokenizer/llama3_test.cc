// The real vocabulary of Llama 3 against the ids that are published with it. Skipped where the data is not beside the
// source tree.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <unordered_map>

#include "base/mmap_file.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/word_scan.h"

namespace spate {
namespace {

const std::filesystem::path kData = std::filesystem::path(SPATE_SOURCE_DIR) / "../shared/data/tokenizers";

std::string FromBase64(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) break;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    if ((count += 6) >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xFF);
    }
  }
  return out;
}

// A tiktoken file lists tokens by rank. Each pair of tokens that makes a third is a merge of the third's rank.
Vocabulary ReadTiktoken(const std::string& path) {
  Vocabulary v;
  v.spelling = TokenSpelling::kBytes;
  std::istringstream lines(ReadTextFile(path, 16 << 20));
  std::string token, rank;
  while (lines >> token >> rank) v.tokens.push_back(FromBase64(token));
  v.kinds.assign(v.tokens.size(), TokenKind::kModel);
  std::unordered_map<std::string_view, int32_t> ids;
  for (size_t id = 0; id < v.tokens.size(); ++id) ids[v.tokens[id]] = static_cast<int32_t>(id);
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    const std::string_view text = v.tokens[id];
    const size_t first = v.merges.size();
    for (size_t cut = 1; cut < text.size(); ++cut) {
      const auto left = ids.find(text.substr(0, cut)), right = ids.find(text.substr(cut));
      if (left != ids.end() && right != ids.end()) {
        v.merges.push_back({left->second, right->second, static_cast<int32_t>(id)});
      }
    }
    std::sort(v.merges.begin() + static_cast<std::ptrdiff_t>(first), v.merges.end(),
              [](const Merge& a, const Merge& b) { return std::pair(a.left, a.right) < std::pair(b.left, b.right); });
  }
  v.ignore_merges = true;
  v.pre_tokenizer = {SplitPattern{{std::string(RegexOf(KnownPattern::kLlama3)), true}, SplitBehavior::kIsolated, false},
                     SplitByteLevel{false, false}};
  v.decoder = {DecodeByteLevel{}};
  return v;
}

TEST(Llama3, PublishedIds) {
  if (!std::filesystem::exists(kData / "llama3-tiktoken.model")) GTEST_SKIP() << "no " << kData << " here";
  const Tokenizer tokenizer(ReadTiktoken((kData / "llama3-tiktoken.model").string()));
  EXPECT_EQ(tokenizer.vocab_size(), 128000);
  const std::string inputs = ReadTextFile((kData / "vocab-llama-bpe.inp").string(), 1 << 20);
  std::istringstream outputs(ReadTextFile((kData / "vocab-llama-bpe.out").string(), 1 << 20));
  constexpr std::string_view kSeparator = "\n__ggml_vocab_test__\n";
  int cases = 0;
  std::string line;
  for (size_t at = 0; at < inputs.size() && std::getline(outputs, line); ++cases) {
    const size_t end = std::min(inputs.find(kSeparator, at), inputs.size());
    const std::string text = inputs.substr(at, end - at);
    at = end + kSeparator.size();
    std::istringstream numbers(line);
    std::vector<int32_t> expected;
    for (int32_t id; numbers >> id;) expected.push_back(id);
    const std::vector<int32_t> ids = tokenizer.Encode(text);
    EXPECT_EQ(ids, expected) << testing::PrintToString(text);
    EXPECT_EQ(tokenizer.Decode(ids, false), text);
  }
  EXPECT_GT(cases, 40);
}

}  // namespace
}  // namespace spate
