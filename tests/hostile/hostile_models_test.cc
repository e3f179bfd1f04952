// 1,000 broken copies of a small model in each file format: what a program does with a model before it packs weights
// must end in success or in one line, with no more memory than the files have and in no time. Of the copies that get
// past it some are loaded and run a step, on the cpu backend.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/direct_run.h"
#include "engine/open_model.h"
#include "model/model_files.h"
#include "tests/hostile/broken_copy.h"
#include "tests/hostile/model_check.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

constexpr int kRounds = 1000;
fs::path Tests() { return fs::path(SPATE_SOURCE_DIR) / "tests"; }

void LoadAndStep(const fs::path& path) {
  try {
    const auto model = OpenModel({.path = path, .threads = 1});
    DirectRun run(*model, {.max_positions = 16});
    const int32_t ids[] = {0, model->spec.vocab - 1};
    run.Prefill(ids);
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == ErrorCode::kBadInput || error.code() == ErrorCode::kDoesNotFit) << error.what();
  }
}

struct Subject {
  const char* name;
  const char* folder;  // below tests/
  std::vector<HostileFile> files;
};

const Subject kSubjects[] = {
    {"safetensors",
     "formats/safetensors",
     {{"model.safetensors", Grammar::kSafetensors, 3}, {"config.json", Grammar::kText}}},
    {"safetensors_index",
     "golden/mixtral_shards",
     {{"model.safetensors.index.json", Grammar::kText, 3},
      {"model-00002-of-00003.safetensors", Grammar::kSafetensors},
      {"config.json", Grammar::kText}}},
    {"torch",
     "formats/torch",
     {{"pytorch_model-00002-of-00002.bin", Grammar::kZip, 3}, {"pytorch_model.bin.index.json", Grammar::kText}}},
    {"meta", "formats/meta", {{"params.json", Grammar::kText}, {"consolidated.00.pth", Grammar::kZip}}},
    {"meta_rows", "formats/meta_rows", {{"params.json", Grammar::kText}, {"consolidated.01.pth", Grammar::kZip}}},
    {"gguf", "formats/gguf", {{"model.gguf", Grammar::kGguf}}},
    {"mlc_q4f16_1",
     "formats/mlc_q4f16_1",
     {{"ndarray-cache.json", Grammar::kText, 3},
      {"mlc-chat-config.json", Grammar::kText},
      {"params_shard_0.bin", Grammar::kBytes}}},
    {"gptq", "golden/gptq", {{"config.json", Grammar::kText, 2}, {"model.safetensors", Grammar::kSafetensors, 3}}},
    {"awq", "golden/awq", {{"config.json", Grammar::kText, 2}, {"model.safetensors", Grammar::kSafetensors, 3}}},
    {"compressed_int4",
     "golden/compressed_int4",
     {{"config.json", Grammar::kText, 2}, {"model.safetensors", Grammar::kSafetensors, 3}}},
    {"compressed_w8a8",
     "golden/compressed_w8a8",
     {{"config.json", Grammar::kText, 2}, {"model.safetensors", Grammar::kSafetensors, 3}}},
    {"fp8_blocks",
     "golden/fp8_blocks",
     {{"config.json", Grammar::kText, 2}, {"model.safetensors", Grammar::kSafetensors, 3}}},
};

class HostileFormats : public ::testing::TestWithParam<Subject> {};

TEST_P(HostileFormats, EndInSuccessOrOneLine) {
  const BrokenCopy copy(Tests() / GetParam().folder, GetParam().files);
  ASSERT_NO_THROW(CheckModelFiles(copy.folder()));
  copy.Survives(
      kRounds, kModelBound, [&] { CheckModelFiles(copy.folder()); }, [&] { LoadAndStep(copy.folder()); });
}

// The weights of tests/formats in xLLM's file: integers and texts of 32-bit lengths, then each tensor.
std::string XllmModelFile() {
  const auto number = [](size_t value) {
    std::string bytes(4, '\0');
    const auto narrow = static_cast<uint32_t>(value);
    std::memcpy(bytes.data(), &narrow, 4);
    return bytes;
  };
  const auto text = [&](std::string_view value) { return number(value.size()) + std::string(value); };
  const ModelFiles files = OpenModelFiles(Tests() / "formats" / "safetensors");
  constexpr const char* kFields[] = {"hidden_size",         "intermediate_size", "num_attention_heads",
                                     "num_hidden_layers",   "rms_norm_eps",      "max_position_embeddings",
                                     "num_key_value_heads", "vocab_size"};
  std::string file = number(std::size(kFields) + 1) + text("model_type") + text("llama");
  for (const char* field : kFields) file += text(field) + text(files.config[field].dump());
  const std::vector<std::string_view> names = files.checkpoint->Names();
  file += number(names.size());
  for (const std::string_view name : names) {
    const TensorView& tensor = *files.checkpoint->Find(name);
    file += text(name) + number(tensor.shape.size());
    for (const int64_t size : tensor.shape) file += number(static_cast<size_t>(size));
    file += number(7);  // f16
    file.append(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
  }
  return file;
}

TEST(HostileModels, XllmEndsInSuccessOrOneLine) {
  const BrokenCopy copy("model.bin", XllmModelFile(), Grammar::kBytes);
  const fs::path path = copy.folder() / "model.bin";
  ASSERT_NO_THROW(CheckModelFiles(path));
  copy.Survives(
      kRounds, kModelBound, [&] { CheckModelFiles(path); }, [&] { LoadAndStep(path); });
}

INSTANTIATE_TEST_SUITE_P(All, HostileFormats, ::testing::ValuesIn(kSubjects),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace spate
