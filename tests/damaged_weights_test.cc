// Weights that are not what they were: every changed byte is found by its sum, every NaN and infinity is named, and
// such a model loads and ends requests with an error instead of a crash or made-up text.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/half.h"
#include "base/mmap_file.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "convert/verify.h"
#include "quant/random_blocks_for_test.h"
#include "tests/block_model.h"
#include "tests/program.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

constexpr DType kBlockFormats[] = {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,   DType::kQ5_1,
                                   DType::kQ8_0, DType::kQ2_K, DType::kQ3_K,   DType::kQ4_K,
                                   DType::kQ5_K, DType::kQ6_K, DType::kIQ4_NL, DType::kIQ4_XS};

uint32_t Random(uint32_t seed, uint32_t index) { return Philox4x32({index, 0, 0, 0}, {seed, 0})[0]; }

std::vector<std::byte> AnyBytes(DType format, size_t blocks, uint64_t seed) {
  std::vector<std::byte> bytes(blocks * static_cast<size_t>(Traits(format).block_bytes));
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(Random(static_cast<uint32_t>(seed) + 77, static_cast<uint32_t>(i)) & 0xff);
  }
  return bytes;
}

std::vector<std::byte> FiniteBlocks(DType format, size_t blocks, uint64_t seed) {
  return RandomBlocks(format, blocks, seed, 0.2f);
}

class DamagedWeights : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Read(const std::string& name) const { return ReadTextFile((folder_ / name).string(), size_t{1} << 30); }
  void Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  // Neither a signal nor a bug, and what it prints is UTF-8.
  ProgramResult Run(const fs::path& model, const std::string& flags) const {
    const ProgramResult r = RunProgram("run -q -m " + model.string() + " " + flags);
    EXPECT_TRUE(r.status == 0 || r.status == 5) << r.status << " " << r.err;
    EXPECT_TRUE(IsValidUtf8(r.out));
    EXPECT_TRUE(r.status == 0 || r.err.find("NaN") != std::string::npos) << r.err;
    return r;
  }

  fs::path folder_ = fs::temp_directory_path() / fmt::format("spate-damaged-{}", getpid());
};

TEST_F(DamagedWeights, EveryOneOfAThousandFlippedBytesIsFound) {
  const fs::path source = fs::path(SPATE_SOURCE_DIR) / "tests" / "formats" / "safetensors";
  for (const char* name : {"config.json", "model.safetensors"}) fs::copy(source / name, folder_ / name);
  ASSERT_TRUE(Verify(folder_, {.write = true}).Passed());
  CheckSums(folder_, {});
  const std::string weights = Read("model.safetensors");
  int found = 0;
  for (uint32_t i = 0; i < 1000; ++i) {
    const size_t at = Random(1, i) % weights.size();
    std::string changed = weights;
    changed[at] = static_cast<char>(changed[at] ^ (1 + Random(2, i) % 255));
    Write("model.safetensors", changed);
    try {
      CheckSums(folder_, {});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadInput);
      found += std::string(error.what()).find("model.safetensors: changed") != std::string::npos ? 1 : 0;
    }
  }
  EXPECT_EQ(found, 1000);

  const ProgramResult load = RunProgram("run -m " + folder_.string() + " --ids 1,2 -n 1 --verify");
  EXPECT_EQ(load.status, 3);
  EXPECT_EQ(load.out, "");
  EXPECT_NE(load.err.find("model.safetensors: changed"), std::string::npos) << load.err;
  Write("model.safetensors", weights);
  // Nothing is read that was not compared.
  Write("generation_config.json", "{");
  for (const char* command : {"run --ids 1,2 -n 1", "chat"}) {
    const ProgramResult config = RunProgram(fmt::format("{} -m {} --verify", command, folder_.string()));
    EXPECT_EQ(config.status, 3);
    EXPECT_NE(config.err.find("generation_config.json: added"), std::string::npos) << config.err;
  }
  fs::remove(folder_ / "generation_config.json");
  EXPECT_EQ(RunProgram("run -m " + folder_.string() + " --ids 1,2 -n 1 --verify").status, 0);
}

TEST_F(DamagedWeights, FilesThatAreMissingOrAddedAreNamed) {
  const fs::path source = fs::path(SPATE_SOURCE_DIR) / "tests" / "formats" / "safetensors";
  for (const char* name : {"config.json", "model.safetensors"}) fs::copy(source / name, folder_ / name);
  Write("notes.txt", "");
  ASSERT_TRUE(Verify(folder_, {.write = true}).Passed());
  fs::rename(folder_ / "notes.txt", folder_ / "chat_template.jinja");
  const Verification v = Verify(folder_, {});
  ASSERT_EQ(v.differences.size(), 2u);
  EXPECT_EQ(v.differences[0].name, "notes.txt");
  EXPECT_EQ(v.differences[0].what, "missing");
  EXPECT_EQ(v.differences[1].name, "chat_template.jinja");
  EXPECT_EQ(v.differences[1].what, "added: the manifest does not name it");

  // A list of sums is of what it names; a link may not lead it out of the folder.
  fs::remove(folder_ / "spate-manifest.json");
  const ProgramResult sums = RunProgram("verify " + folder_.string() + " --json");
  EXPECT_EQ(sums.status, 0) << sums.out;
  fs::create_directory_symlink("/etc", folder_ / "sub");
  Write("SHA256SUMS", std::string(64, '0') + "  sub/hostname\n");
  const Verification linked = Verify(folder_, {});
  ASSERT_EQ(linked.differences.size(), 1u);
  EXPECT_EQ(linked.differences[0].what, "missing");
  EXPECT_EQ(linked.not_covered.size(), 3u);
  Write("SHA256SUMS", std::string("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a  config.json\n"));
  Write("config.json", "{}");  // that sum's
  EXPECT_TRUE(Verify(folder_, {}).differences.empty());
  try {
    CheckSums(folder_, {});
    FAIL() << "weights that nobody compared";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("model.safetensors: not named"), std::string::npos) << error.what();
  }
}

TEST_F(DamagedWeights, AnyBytesAsBlocksNeitherCrashNorMakeUpText) {
  for (const DType format : kBlockFormats) {
    const fs::path path = folder_ / fmt::format("{}.gguf", Name(format));
    BlockModel(format, AnyBytes).Write(path);
    const Verification v = Verify(path, {});
    EXPECT_EQ(v.structure_problem, "") << Name(format);
    EXPECT_GE(v.bad_tensors.size(), 8u) << Name(format);
    EXPECT_EQ(Run(path, "-p ab -n 8 --ignore-eos").status, 5) << Name(format);
  }
}

TEST_F(DamagedWeights, AScaleThatIsNoNumberIsNamed) {
  for (const DType format : kBlockFormats) {
    BlockModel model(format, FiniteBlocks);
    const fs::path path = folder_ / fmt::format("{}.gguf", Name(format));
    model.Write(path);
    EXPECT_TRUE(Verify(path, {}).Passed()) << Name(format);
    EXPECT_EQ(Run(path, "-p ab -n 8 --ignore-eos --temperature 2 --seed 7").status, 0) << Name(format);

    const auto block_bytes = static_cast<size_t>(Traits(format).block_bytes);
    const std::vector<BlockScale> scales = BlockScales(format);
    const auto put = [&](const std::string& tensor, size_t block, size_t scale, uint16_t bits) {
      const size_t at = model.OffsetOf(tensor) + block * block_bytes + scales[scale].at;
      model.file[at] = static_cast<char>(bits & 0xff);
      model.file[at + 1] = static_cast<char>(bits >> 8);
    };
    put("blk.0.ffn_up.weight", 5, scales.size() - 1, 0x7e00);  // NaN
    model.Write(path);
    const Verification v = Verify(path, {});
    ASSERT_EQ(v.bad_tensors.size(), 1u) << Name(format);
    EXPECT_EQ(v.bad_tensors[0].name, "blk.0.ffn_up.weight");
    EXPECT_EQ(v.bad_tensors[0].bad.nan, Traits(format).block_elements) << Name(format);
    EXPECT_EQ(v.bad_tensors[0].bad.inf, 0);
    EXPECT_EQ(v.bad_tensors[0].bad.blocks, 1);
    EXPECT_EQ(v.bad_tensors[0].bad.first, 5 * Traits(format).block_elements);
    EXPECT_EQ(RunProgram("verify " + path.string()).status, 6);
    EXPECT_EQ(Run(path, "-p ab -n 8 --ignore-eos").status, 5) << Name(format);
    put("blk.0.ffn_up.weight", 5, scales.size() - 1, 0x7c00);  // infinity
    model.Write(path);
    EXPECT_EQ(Verify(path, {}).bad_tensors.size(), 1u) << Name(format);
    Run(path, "-p ab -n 8 --ignore-eos");
  }
}

// Weights that are computed out of integers and scales.
TEST_F(DamagedWeights, AScaleOfMlcThatIsNoNumberIsNamed) {
  fs::remove_all(folder_);
  fs::copy(fs::path(SPATE_SOURCE_DIR) / "tests" / "formats" / "mlc_q4f16_1", folder_);
  ASSERT_TRUE(Verify(folder_, {}).Passed());
  const auto cache = nlohmann::json::parse(Read("ndarray-cache.json"));
  for (const auto& shard : cache.at("records")) {
    for (const auto& record : shard.at("records")) {
      const std::string name = record.at("name");
      if (!name.ends_with("down_proj.q_scale")) continue;
      const std::string data = shard.at("dataPath");
      std::string bytes = Read(data);
      bytes[record.at("byteOffset").get<size_t>() + 1] = 0x7e;  // f16: 0x7e..
      Write(data, bytes);
    }
  }
  const Verification v = Verify(folder_, {});
  ASSERT_EQ(v.bad_tensors.size(), 1u);
  EXPECT_TRUE(v.bad_tensors[0].name.ends_with("down_proj.weight")) << v.bad_tensors[0].name;
  EXPECT_EQ(v.bad_tensors[0].bad.nan, 32);  // the group of the first scale
  EXPECT_EQ(v.bad_tensors[0].bad.first, 0);
}

TEST_F(DamagedWeights, PlainValuesAndQuantizedScalesThatAreNoNumbers) {
  const struct {
    const char* folder;
    const char* tensor_end;
    uint16_t nan;
  } cases[] = {{"formats/safetensors", "mlp.down_proj.weight", 0x7e00},
               {"golden/gptq", "mlp.down_proj.scales", 0x7e00},
               {"golden/awq", "mlp.down_proj.scales", 0x7e00}};
  for (const auto& c : cases) {
    fs::remove_all(folder_);
    const fs::path source = fs::path(SPATE_SOURCE_DIR) / "tests" / c.folder;
    fs::create_directories(folder_);
    for (const char* name : {"config.json", "model.safetensors"}) fs::copy(source / name, folder_ / name);
    ASSERT_TRUE(Verify(folder_, {}).Passed()) << c.folder;
    std::string file = Read("model.safetensors");
    uint64_t header = 0;
    std::memcpy(&header, file.data(), sizeof(header));
    const auto tensors = nlohmann::json::parse(file.substr(8, header));
    std::string name;
    for (const auto& [key, value] : tensors.items()) {
      if (key.ends_with(c.tensor_end)) name = key;
    }
    ASSERT_EQ(tensors.at(name).at("dtype"), "F16") << c.folder;
    const size_t at = 8 + header + tensors.at(name).at("data_offsets")[0].get<size_t>() + 2 * 3;  // its fourth value
    std::memcpy(file.data() + at, &c.nan, sizeof(c.nan));
    Write("model.safetensors", file);
    const Verification v = Verify(folder_, {});
    ASSERT_EQ(v.bad_tensors.size(), 1u) << c.folder;
    EXPECT_EQ(v.bad_tensors[0].name, name);
    EXPECT_EQ(v.bad_tensors[0].bad.nan, 1);
    EXPECT_EQ(v.bad_tensors[0].bad.first, 3);
    EXPECT_EQ(Run(folder_, "--ids 1,2,3 -n 4 --ignore-eos").status, 5) << c.folder;
  }
}

}  // namespace
}  // namespace spate
