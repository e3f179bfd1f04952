#include "convert/gguf/convert.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "checkpoint/chat_template_file.h"
#include "checkpoint/gguf_split.h"
#include "checkpoint/read_tokenizer.h"
#include "convert/gguf/folder_for_test.h"
#include "tokenizer/tokenizer.h"

namespace spate {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path Demo() { return fs::path(SPATE_SOURCE_DIR) / "models" / "demo"; }
fs::path Golden(const std::string& name) { return fs::path(SPATE_SOURCE_DIR) / "tests" / "golden" / name; }

fs::path Formats() { return fs::path(SPATE_SOURCE_DIR) / "tests" / "formats"; }

ConvertOptions With(DType type, bool tokenizer = true) {
  return {.type = type, .replace = true, .tokenizer = tokenizer, .threads = 2};
}

std::string Refusal(const fs::path& model, const fs::path& output, const ConvertOptions& options) {
  return MessageOf(ErrorCode::kBadInput, [&] { ConvertToGguf(model, output, options); });
}

// A copy of a folder whose config.json says something else.
fs::path Changed(const fs::path& model, const FolderForTest& folder, const json& changes) {
  const fs::path copy = folder / "changed";
  fs::remove_all(copy);
  fs::copy(model, copy);
  fs::permissions(copy / "config.json", fs::perms::owner_all);
  json config = json::parse(std::ifstream(model / "config.json"));
  config.merge_patch(changes);
  PutFile(copy / "config.json", config.dump());
  return copy;
}

std::vector<float> ValuesOf(const GgufTensor& tensor) {
  int64_t count = 1;
  for (const int64_t d : tensor.shape) count *= d;
  std::vector<float> values(static_cast<size_t>(count));
  Unpack(*tensor.type->dtype, tensor.bytes.data(), values.data(), values.size());
  return values;
}

class EachType : public ::testing::TestWithParam<DType> {};

// Every matrix is the packing of what the file in F32 holds, whose own bits the logits of tests/convert_test.cc show.
TEST_P(EachType, IsThePackingByDefinition) {
  const DType type = GetParam();
  const FolderForTest folder;
  const fs::path exact_path = folder / "exact.gguf", path = folder / "typed.gguf";
  ConvertToGguf(Demo(), exact_path, With(DType::kF32));
  const ConvertReport report = ConvertToGguf(Demo(), path, With(type));
  EXPECT_EQ(report.architecture, "llama");
  EXPECT_EQ(report.type, type);
  EXPECT_EQ(report.file_bytes, static_cast<int64_t>(fs::file_size(path)));
  const OpenedGguf exact = OpenGguf(exact_path), typed = OpenGguf(path);
  ASSERT_EQ(typed.file.tensors.size(), 38u);
  int matrices = 0;
  for (const GgufTensor& tensor : typed.file.tensors) {
    const std::vector<float> want = ValuesOf(*exact.file.Find(tensor.name));
    const DType expected = tensor.shape.size() == 1 ? DType::kF32 : type;
    ASSERT_EQ(tensor.type->dtype, expected) << tensor.name;
    std::vector<std::byte> packed(tensor.bytes.size());
    Pack(expected, want.data(), packed.data(), want.size());
    EXPECT_EQ(std::memcmp(packed.data(), tensor.bytes.data(), packed.size()), 0) << tensor.name;
    matrices += tensor.shape.size() == 2;
  }
  EXPECT_EQ(matrices, 1 + 4 * 7);
}

INSTANTIATE_TEST_SUITE_P(All, EachType, ::testing::Values(DType::kF16, DType::kBF16, DType::kQ8_0, DType::kQ4_0),
                         [](const auto& test) { return std::string(Name(test.param)); });

TEST(Convert, TakesTheTypeOfTheEmbedding) {
  const FolderForTest folder;
  const fs::path path = folder / "x.gguf";
  EXPECT_EQ(ConvertToGguf(Demo(), path, {}).type, DType::kBF16);
  EXPECT_EQ(
      ConvertToGguf(Formats() / "safetensors", path, {.type = std::nullopt, .replace = true, .tokenizer = false}).type,
      DType::kF16);
}

TEST(Convert, RowsThatAreNoWholeBlocksBecomeHalves) {
  const FolderForTest folder;
  const fs::path path = folder / "x.gguf";
  ConvertToGguf(Golden("mixtral"), path, With(DType::kQ4_0, false));
  const OpenedGguf opened = OpenGguf(path);
  int blocks = 0, halves = 0;
  for (const GgufTensor& tensor : opened.file.tensors) {
    const bool router = tensor.name.find("ffn_gate_inp") != std::string_view::npos;
    if (tensor.shape.size() == 1 || router) {
      EXPECT_EQ(tensor.type->dtype, DType::kF32) << tensor.name;
      continue;
    }
    const bool whole = tensor.shape.back() % 32 == 0;
    EXPECT_EQ(tensor.type->dtype, whole ? DType::kQ4_0 : DType::kF16) << tensor.name;
    ++(whole ? blocks : halves);
  }
  EXPECT_GT(blocks, 0);
  EXPECT_GT(halves, 0);
}

TEST(Convert, TheTokenizerAndTheChatTemplateComeAlong) {
  const FolderForTest folder;
  const fs::path path = folder / "x.gguf";
  ConvertToGguf(Demo(), path, With(DType::kQ8_0));
  const Tokenizer want(ReadTokenizer(Demo())), got(ReadTokenizer(path));
  constexpr std::string_view kText = "Once upon a time, <|end_of_text|>42 K\u00f6nige\n\n  don't\t\U0001F600";
  EXPECT_EQ(got.Encode(kText), want.Encode(kText));
  EXPECT_EQ(got.Decode(got.Encode(kText), false), want.Decode(want.Encode(kText), false));
  EXPECT_EQ(got.vocab_size(), want.vocab_size());
  EXPECT_EQ(got.bos(), want.bos());
  EXPECT_EQ(got.eos().front(), want.eos().front());
  EXPECT_EQ(FindChatTemplate(path, false)->source, FindChatTemplate(Demo(), false)->source);
}

TEST(Convert, TheTokenizerCanStayBehind) {
  const FolderForTest folder;
  const fs::path path = folder / "x.gguf";
  ConvertToGguf(Demo(), path, With(DType::kF16, false));
  EXPECT_FALSE(HasTokenizer(path));
  EXPECT_FALSE(FindChatTemplate(path, false).has_value());
}

TEST(Convert, AGgufFileIsAModelToo) {
  const FolderForTest folder;
  const fs::path once = folder / "once.gguf", twice = folder / "twice.gguf";
  ConvertToGguf(Demo(), once, With(DType::kF16));
  ConvertToGguf(once, twice, With(DType::kF16));
  const OpenedGguf a = OpenGguf(once), b = OpenGguf(twice);
  ASSERT_EQ(a.file.tensors.size(), b.file.tensors.size());
  for (const GgufTensor& tensor : a.file.tensors) {
    const GgufTensor* other = b.file.Find(tensor.name);
    ASSERT_NE(other, nullptr) << tensor.name;
    EXPECT_EQ(ValuesOf(*other), ValuesOf(tensor)) << tensor.name;
  }
}

TEST(Convert, AnInterruptLeavesNothingBehind) {
  const FolderForTest folder;
  int64_t last = 0;
  ConvertOptions options = With(DType::kF32);
  options.progress = [&](int64_t done, int64_t total) {
    EXPECT_GT(done, last);
    EXPECT_LE(done, total);
    last = done;
    return done < total / 2;
  };
  const auto convert = [&] { ConvertToGguf(Demo(), folder / "x.gguf", options); };
  EXPECT_NE(MessageOf(ErrorCode::kInterrupted, convert), "accepted");
  EXPECT_GT(last, 0);
  EXPECT_EQ(CountFiles(folder), 0u);
}

TEST(Convert, RefusesWhatGgufCannotExpress) {
  const FolderForTest folder;
  const fs::path path = folder / "x.gguf";
  const auto refuses = [&](const fs::path& model, std::string_view message) {
    const std::string got = Refusal(model, path, With(DType::kF16, false));
    EXPECT_NE(got.find(message), std::string::npos) << got;
    EXPECT_FALSE(fs::exists(path));
  };
  refuses(Golden("bloom"), "BloomForCausalLM cannot be converted; what can: LlamaForCausalLM, MistralForCausalLM");
  refuses(Golden("llama_yarn"), "it would be read back with magnitude of rotation");
  refuses(Golden("gemma2_uncapped"), "it would be read back with logit softcap 0 and 30");
  refuses(Golden("llama_longrope"), "RoPE scaling \"longrope\"");
  refuses(Golden("qwen3_moe_stacked"), "it would be read back with renormalized experts false and true");
  refuses(Changed(Golden("llama2"), folder, {{"hidden_act", "gelu"}}), "it would be read back with activation");
}

TEST(Convert, RefusesAModelThatIsNotWhole) {
  const FolderForTest folder;
  const fs::path path = folder / "x.gguf";
  const auto refuses = [&](const fs::path& model, std::string_view message) {
    const std::string got = Refusal(model, path, With(DType::kF16));
    EXPECT_NE(got.find(message), std::string::npos) << got;
  };
  refuses(folder / "none", "none");
  refuses(Golden("llama2"), "no tokenizer; --no-tokenizer converts the weights alone");
  refuses(Changed(Demo(), folder, {{"num_hidden_layers", 5}}), "missing");
  refuses(Changed(Demo(), folder, {{"vocab_size", 2000}}), "has shape [2048, 256], config.json asks for [2000, 256]");
  EXPECT_EQ(CountFiles(folder), 1u);  // the copy
}

TEST(Convert, RefusesValuesThatTheTypeCannotHold) {
  const FolderForTest folder;
  const fs::path copy = Changed(Formats() / "safetensors", folder, json::object());
  const fs::path weights = copy / "model.safetensors", path = folder / "x.gguf";
  fs::permissions(weights, fs::perms::owner_all);
  std::string bytes = ContentOf(weights);
  bytes[bytes.size() - 1] = '\x7c';  // the last f16 becomes infinite or NaN
  PutFile(weights, bytes);
  const std::string message = Refusal(copy, path, With(DType::kQ8_0, false));
  EXPECT_NE(message.find("has NaN, infinite values or values beyond"), std::string::npos) << message;
  EXPECT_FALSE(fs::exists(path));
}

TEST(Convert, SaysWhichWindowOthersMayIgnore) {
  const FolderForTest folder;
  const ConvertReport report = ConvertToGguf(Golden("mistral_window"), folder / "x.gguf", With(DType::kF16, false));
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_NE(report.notes[0].find("sliding window of 13 tokens"), std::string::npos);
}

}  // namespace
}  // namespace spate
