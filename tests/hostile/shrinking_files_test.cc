// A model whose file is cut after it was opened: the load ends in one line that names the file, in every format,
// whether its bytes are read or mapped.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "backend/device.h"
#include "base/error.h"
#include "model/arch.h"
#include "model/loader.h"
#include "model/model_files.h"
#include "tests/hostile/broken_copy.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

struct Shrinking {
  const char* name;
  const char* folder;  // below tests/
  const char* file;
};

const Shrinking kFiles[] = {
    {"safetensors", "formats/safetensors", "model.safetensors"},
    {"torch", "formats/torch", "pytorch_model-00002-of-00002.bin"},
    {"meta", "formats/meta", "consolidated.00.pth"},
    {"meta_rows", "formats/meta_rows", "consolidated.01.pth"},
    {"gguf", "formats/gguf", "model.gguf"},
    {"mlc", "formats/mlc_q4f16_1", "params_shard_1.bin"},
    {"gptq", "golden/gptq", "model.safetensors"},
    {"awq", "golden/awq", "model.safetensors"},
    {"compressed_int4", "golden/compressed_int4", "model.safetensors"},
    {"compressed_w8a8", "golden/compressed_w8a8", "model.safetensors"},
    {"fp8_blocks", "golden/fp8_blocks", "model.safetensors"},
    {"gpt2_transposed", "golden/gpt2", "model.safetensors"},
};

class ShrinkingFiles : public ::testing::TestWithParam<Shrinking> {};

TEST_P(ShrinkingFiles, EndTheLoadInOneLine) {
  const fs::path source = fs::path(SPATE_SOURCE_DIR) / "tests" / GetParam().folder;
  const auto device = MakeDevice("cpu", {.threads = 2});
  for (const ReadMode mode : {ReadMode::kBuffers, ReadMode::kMapped}) {
    for (const size_t kept : {0, 100, 5000}) {
      const BrokenCopy copy(source, {});
      const fs::path file = copy.folder() / GetParam().file;
      const ModelFiles files = OpenModelFiles(copy.folder());
      const ModelSpec spec = MakeSpec(files.config);
      if (fs::file_size(file) <= kept) continue;
      fs::resize_file(file, kept);
      try {
        LoadWeights(*files.checkpoint, ArchOf(files.config), files.dialect, spec, *device,
                    {.format = DType::kF32, .read = mode, .progress = {}});
        ADD_FAILURE() << "loaded with " << kept << " bytes left";
      } catch (const Error& error) {
        const std::string message = error.what();
        EXPECT_EQ(error.code(), ErrorCode::kEnvironment);
        EXPECT_EQ(message.find('\n'), std::string::npos) << message;
        EXPECT_TRUE(message.starts_with(file.string() + ": shrank from ")) << message;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, ShrinkingFiles, ::testing::ValuesIn(kFiles),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace spate
