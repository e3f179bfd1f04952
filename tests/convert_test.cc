// spate convert from end to end: what a model computes is what its GGUF file computes, and how the program behaves.
#include "convert/gguf/convert.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "convert/gguf/folder_for_test.h"
#include "tests/program.h"
#include "tests/single_sequence.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

constexpr int kTokens = 20;  // more than the windows of the models here

fs::path Tests() { return fs::path(SPATE_SOURCE_DIR) / "tests"; }
std::string Demo() { return (fs::path(SPATE_SOURCE_DIR) / "models" / "demo").string(); }

std::vector<float> LogitsOf(const fs::path& path) {
  SingleSequence model(path, "cpu", DType::kF32, DType::kF32, 1);
  std::vector<int32_t> ids;
  for (int i = 0; i < kTokens; ++i) ids.push_back((i * 37 + 5) % model.spec().vocab);
  return model.Logits(ids, kTokens);
}

struct Case {
  const char* model;
  DType type = DType::kF32;  // that holds the weights exactly
};

class Converted : public ::testing::TestWithParam<Case> {};

TEST_P(Converted, ComputesTheSameBits) {
  const fs::path model = Tests() / GetParam().model;
  const FolderForTest folder;
  const fs::path path = folder / "model.gguf";
  ConvertToGguf(model, path, {.type = GetParam().type, .tokenizer = false, .threads = 2});
  const std::vector<float> want = LogitsOf(model), got = LogitsOf(path);
  ASSERT_EQ(got.size(), want.size());
  EXPECT_EQ(std::memcmp(got.data(), want.data(), want.size() * sizeof(float)), 0);
}

INSTANTIATE_TEST_SUITE_P(All, Converted,
                         ::testing::Values(Case{"golden/llama2"}, Case{"golden/llama3", DType::kBF16},
                                           Case{"golden/llama31"}, Case{"golden/llama32"}, Case{"golden/llama_linear"},
                                           Case{"golden/llama_dynamic"}, Case{"golden/codellama", DType::kBF16},
                                           Case{"golden/mistral"}, Case{"golden/mistral_window"},
                                           Case{"golden/mixtral"}, Case{"golden/mixtral_stacked"}, Case{"golden/qwen2"},
                                           Case{"golden/qwen2_yarn"}, Case{"golden/qwen2_moe"}, Case{"golden/qwen3"},
                                           Case{"golden/qwen3_moe"}, Case{"golden/gemma"}, Case{"golden/phi3"},
                                           Case{"golden/phi3_long"}, Case{"golden/phi4_mini"}, Case{"golden/olmo2"},
                                           Case{"golden/granite"}, Case{"golden/internlm2"}, Case{"golden/starcoder2"},
                                           Case{"golden/cohere"}, Case{"golden/stablelm"}, Case{"golden/stablelm_12b"},
                                           Case{"golden/glm4"},
                                           // Quantized weights as the numbers that they stand for.
                                           Case{"golden/gptq"}, Case{"golden/awq"}, Case{"golden/compressed_int4"},
                                           Case{"golden/fp8_blocks"},
                                           // Other files, one of which has Meta's order of rows, which is GGUF's.
                                           Case{"formats/safetensors", DType::kF16}, Case{"formats/torch", DType::kF16},
                                           Case{"formats/meta", DType::kF16}, Case{"formats/meta_rows", DType::kF16},
                                           Case{"formats/gguf", DType::kF16}, Case{"formats/mlc_q0f16", DType::kF16}),
                         [](const auto& test) {
                           std::string name = std::string(test.param.model) + "_" + std::string(Name(test.param.type));
                           std::replace(name.begin(), name.end(), '/', '_');
                           return name;
                         });

TEST(ConvertCommand, TheFileRunsLikeTheFolder) {
  const FolderForTest folder;
  const std::string path = (folder / "demo.gguf").string();
  const ProgramResult made = RunProgram("convert '" + Demo() + "' -o '" + path + "' --json");
  ASSERT_EQ(made.status, 0) << made.err;
  const auto report = nlohmann::json::parse(made.out);
  EXPECT_EQ(report["type"], "bf16");
  EXPECT_EQ(report["architecture"], "llama");
  EXPECT_EQ(report["tensors"], 38);
  EXPECT_EQ(report["file_bytes"], fs::file_size(path));
  EXPECT_EQ(report["formats"].size(), 2u);
  const auto run = [](const std::string& model) {
    return RunProgram("run -m '" + model + "' -p 'Once upon a time' -n 24 --temperature 0 --dtype f32").out;
  };
  EXPECT_EQ(run(path), run(Demo()));
  EXPECT_EQ(CountFiles(folder), 1u);
}

TEST(ConvertCommand, RefusesInOneLine) {
  const FolderForTest folder;
  const std::string path = (folder / "x.gguf").string();
  PutFile(path, "mine");
  const auto expect = [&](const std::string& arguments, int status, std::string_view message) {
    const ProgramResult result = RunProgram("convert " + arguments);
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_EQ(ContentOf(path), "mine");
    EXPECT_EQ(CountFiles(folder), 1u);
  };
  expect("'" + Demo() + "' -o '" + path + "'", 2, "exists; --force replaces it");
  expect("'" + Demo() + "' -o '" + path + "' --type q5_k", 2, "q5_k");
  expect("'" + Demo() + "'", 2, "--output");
  expect("'" + Demo() + "/none' -o '" + path + "' --force", 3, "none");
  expect("'" + (Tests() / "golden" / "gpt2").string() + "' -o '" + path + "' --force", 3, "cannot be converted");
  expect("'" + path + "' -o '" + path + "' --force", 2, "is part of the model");
  expect("'" + Demo() + "' -o '" + Demo() + "/config.json' --force", 2, "is part of the model");
  const FolderForTest links;  // as a cache of models keeps them
  std::filesystem::create_symlink(path, links / "model.safetensors");
  std::filesystem::copy_file(Demo() + "/config.json", links / "config.json");
  expect("'" + (links / "").string() + "' -o '" + path + "' --force", 2, "is part of the model");
  expect("'" + Demo() + "' -o '" + (folder / "none").string() + "/x.gguf'", 5, "No such file or directory");
}

}  // namespace
}  // namespace spate
