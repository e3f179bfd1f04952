// One model in every file format: tests/formats (made by tools/make_checkpoint_formats.py) holds the same f16 weights
// under other names, in other orders of rows and cut into shards, and each must give the same bits.
#include <gtest/gtest.h>

#include <cctype>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "tests/program.h"
#include "tests/single_sequence.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

const std::vector<int32_t> kIds = {1, 5, 9, 3, 7, 11, 2, 8};

fs::path Formats() { return fs::path(SPATE_SOURCE_DIR) / "tests" / "formats"; }

std::vector<float> LogitsOf(const fs::path& path, std::string_view backend, ReadMode read = ReadMode::kBuffers) {
  SingleSequence model(path, backend, DType::kF32, DType::kF32, 1, read);
  return model.Logits(kIds, 1000);
}

class FileFormats : public ::testing::TestWithParam<const char*> {};

TEST_P(FileFormats, GivesTheBitsOfSafetensors) {
  for (const std::string_view backend : {"ref", "cpu"}) {
    const std::vector<float> want = LogitsOf(Formats() / "safetensors", backend);
    const std::vector<float> got = LogitsOf(Formats() / GetParam(), backend);
    ASSERT_EQ(got.size(), want.size());
    EXPECT_EQ(std::memcmp(got.data(), want.data(), want.size() * sizeof(float)), 0) << backend;
  }
}

TEST_P(FileFormats, GivesTheSameBitsThroughTheMapping) {
  const std::vector<float> want = LogitsOf(Formats() / GetParam(), "cpu");
  const std::vector<float> got = LogitsOf(Formats() / GetParam(), "cpu", ReadMode::kMapped);
  ASSERT_EQ(got.size(), want.size());
  EXPECT_EQ(std::memcmp(got.data(), want.data(), want.size() * sizeof(float)), 0);
}

INSTANTIATE_TEST_SUITE_P(All, FileFormats,
                         ::testing::Values("safetensors", "torch", "meta", "meta_rows", "meta_columns", "gguf",
                                           "gguf/model.gguf", "mlc_q0f16"),
                         [](const auto& test) {
                           std::string name = test.param;
                           for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
                           return name;
                         });

TEST(Formats, InspectSaysWhatAPathHolds) {
  const auto inspect = [](const char* path) { return RunProgram("inspect '" + (Formats() / path).string() + "'"); };
  EXPECT_NE(inspect("gguf/model.gguf").out.find("GGUF: f16"), std::string::npos);
  EXPECT_NE(inspect("torch").out.find("PyTorch .bin: f16"), std::string::npos);
  EXPECT_NE(inspect("meta_rows").out.find("Meta .pth: f16"), std::string::npos);
  const ProgramResult nothing = inspect("..");
  EXPECT_EQ(nothing.status, 3);
  EXPECT_NE(nothing.err.find("this folder has none of their files"), std::string::npos) << nothing.err;
}

}  // namespace
}  // namespace spate
