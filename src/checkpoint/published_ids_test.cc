// Real vocabularies (SentencePiece, tiktoken, GGUF) against the ids that are published with them. Skipped where the
// data is not beside the source tree.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <tuple>

#include "base/mmap_file.h"
#include "checkpoint/gguf_split.h"
#include "checkpoint/gguf_tokenizer.h"
#include "checkpoint/gguf_writer_for_test.h"
#include "checkpoint/read_tokenizer.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/detokenizer.h"
#include "tokenizer/tokenizer.h"

namespace spate {
namespace {

using Ids = std::vector<int32_t>;

const std::filesystem::path kData = std::filesystem::path(SPATE_SOURCE_DIR) / "../shared/data/tokenizers";

Vocabulary Read(const std::filesystem::path& path) {
  return path.extension() == ".gguf" ? ReadGgufTokenizer(OpenGguf(path).file) : ReadTokenizer(path);
}

struct Published {
  std::string name;
  std::string model;
  std::string cases;  // NAME.inp holds texts, NAME.out the ids of each on a line
  int tokens;
};

class PublishedIds : public ::testing::TestWithParam<Published> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kData / GetParam().model)) GTEST_SKIP() << "no " << kData << " here";
  }
};

// Each text of CASES.inp against the ids of CASES.out, and back.
void ExpectPublishedIds(const Tokenizer& tokenizer, const std::string& name) {
  const std::string inputs = ReadTextFile((kData / (name + ".inp")).string(), 1 << 20);
  std::istringstream outputs(ReadTextFile((kData / (name + ".out")).string(), 1 << 20));
  constexpr std::string_view kSeparator = "\n__ggml_vocab_test__\n";
  int cases = 0;
  std::string line;
  for (size_t at = 0; at < inputs.size() && std::getline(outputs, line); ++cases) {
    const size_t end = std::min(inputs.find(kSeparator, at), inputs.size());
    const std::string text = inputs.substr(at, end - at);
    at = end + kSeparator.size();
    std::istringstream numbers(line);
    Ids expected;
    for (int32_t id; numbers >> id;) expected.push_back(id);
    const Ids ids = tokenizer.Encode(text, {.add_special = false, .parse_special = false});
    EXPECT_EQ(ids, expected) << testing::PrintToString(text);
    EXPECT_EQ(tokenizer.Decode(ids, false), text);
    Detokenizer detokenizer(tokenizer);
    std::string streamed;
    for (const int32_t id : ids) streamed += detokenizer.Push(id);
    EXPECT_EQ(streamed + detokenizer.Flush(), text);
  }
  EXPECT_GT(cases, 40);
}

TEST_P(PublishedIds, EveryText) {
  const Tokenizer tokenizer(Read(kData / GetParam().model));
  EXPECT_EQ(tokenizer.vocab_size(), GetParam().tokens);
  ExpectPublishedIds(tokenizer, GetParam().cases);
}

// Llama 3's published vocabulary as a GGUF file has it: tokens in the byte alphabet and merges as text.
TEST(PublishedTokenizers, Llama3AsGguf) {
  if (!std::filesystem::exists(kData)) GTEST_SKIP() << "no " << kData << " here";
  Vocabulary v = ReadTokenizer(kData / "llama3-tiktoken.model");
  std::vector<std::string> tokens, merges;
  for (const std::string& token : v.tokens) tokens.push_back(SpellBytes(token));
  std::vector<int32_t> types(tokens.size(), 1);
  for (const AddedToken& token : v.added) {
    tokens[static_cast<size_t>(token.id)] = token.text;
    types[static_cast<size_t>(token.id)] = 3;
  }
  std::ranges::sort(v.merges, {}, [](const Merge& m) { return std::tuple(m.rank, m.left, m.right); });
  for (const Merge& merge : v.merges) {
    merges.push_back(tokens[static_cast<size_t>(merge.left)] + " " + tokens[static_cast<size_t>(merge.right)]);
  }
  GgufWriter writer;
  writer.String("tokenizer.ggml.model", "gpt2");
  writer.String("tokenizer.ggml.pre", "llama-bpe");
  writer.Strings("tokenizer.ggml.tokens", tokens);
  writer.List("tokenizer.ggml.token_type", GgufType::kI32, types);
  writer.Strings("tokenizer.ggml.merges", merges);
  writer.U32("tokenizer.ggml.bos_token_id", 128000);
  writer.U32("tokenizer.ggml.eos_token_id", 128001);
  const std::string bytes = writer.Finish();
  const GgufFile file = ParseGguf({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, "llama3.gguf");
  const Tokenizer tokenizer(ReadGgufTokenizer(file));
  ExpectPublishedIds(tokenizer, "vocab-llama-bpe");
  EXPECT_EQ(tokenizer.Encode("<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"),
            (Ids{128000, 128006, 882, 128007, 271, 13347, 128009}));
  EXPECT_TRUE(tokenizer.IsEos(128001) && tokenizer.IsEos(128009));
}

INSTANTIATE_TEST_SUITE_P(Files, PublishedIds,
                         ::testing::Values(Published{"Llama2", "llama2-sentencepiece.model", "vocab-llama-spm", 32000},
                                           Published{"Llama3", "llama3-tiktoken.model", "vocab-llama-bpe", 128256},
                                           Published{"GgufLlama2", "vocab-llama-spm.gguf", "vocab-llama-spm", 32000},
                                           Published{"GgufPhi3", "vocab-phi-3.gguf", "vocab-phi-3", 32064},
                                           Published{"GgufFalcon", "vocab-falcon.gguf", "vocab-falcon", 65024},
                                           Published{"GgufGpt2", "vocab-gpt-2.gguf", "vocab-gpt-2", 50257}),
                         [](const auto& param_info) { return param_info.param.name; });

TEST(PublishedTokenizers, SpecialTokens) {
  if (!std::filesystem::exists(kData)) GTEST_SKIP() << "no " << kData << " here";
  const Tokenizer llama2(ReadTokenizer(kData / "llama2-sentencepiece.model"));
  EXPECT_EQ(llama2.Encode("Hello"), (Ids{1, 15043}));
  EXPECT_EQ(llama2.Encode("</s>Hello"), (Ids{1, 2, 15043}));
  EXPECT_EQ(llama2.Encode("</s>", {.add_special = false, .parse_special = false}), (Ids{1533, 29879, 29958}));
  EXPECT_EQ(llama2.Decode(Ids{1, 15043, 2}, true), "Hello");
  EXPECT_EQ(llama2.Decode(Ids{15043, 0, 15043}, true), "Hello \u2047  Hello");
  EXPECT_EQ(llama2.kind(), "BPE with byte fallback");
  EXPECT_EQ(llama2.eos()[0], 2);

  const Tokenizer llama3(ReadTokenizer(kData / "llama3-tiktoken.model"));
  EXPECT_EQ(llama3.TokenText(128000), "<|begin_of_text|>");
  EXPECT_EQ(llama3.TokenText(128008), "<|reserved_special_token_4|>");
  EXPECT_EQ(llama3.TokenText(128255), "<|reserved_special_token_250|>");
  EXPECT_EQ(llama3.bos(), 128000);
  EXPECT_TRUE(llama3.IsEos(128001) && llama3.IsEos(128009));
  EXPECT_EQ(llama3.Encode("<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"),
            (Ids{128000, 128006, 882, 128007, 271, 13347, 128009}));

  const Tokenizer mistral(ReadTokenizer(kData / "mistral-v3-sentencepiece.model"));
  EXPECT_EQ(mistral.Encode("[INST] Hi[/INST]")[1], 3);
  EXPECT_EQ(mistral.Encode("[INST] Hi[/INST]").back(), 4);
}

}  // namespace
}  // namespace spate
