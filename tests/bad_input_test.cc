// Broken files, models and flags, each through the program: one line on stderr that names the matter, the
// documented exit code, nothing on stdout.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/json.h"
#include "tests/program.h"

namespace spate {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class BadInput : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_.parent_path());
    fs::copy(fs::path(SPATE_SOURCE_DIR) / "models" / "demo", folder_, fs::copy_options::recursive);
  }
  void TearDown() override { fs::remove_all(folder_.parent_path()); }

  std::string Read(const std::string& name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void Write(const std::string& name, const std::string& bytes) const {
    fs::remove_all(folder_ / name);
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  void EditConfig(const std::string& key, const json& value) const {
    json config = json::parse(Read("config.json"));
    config[key] = value;
    Write("config.json", config.dump());
  }
  // The weights with their header changed by `edit`; data stays.
  template <typename Edit>
  void EditHeader(Edit edit) const {
    const std::string file = Read("model.safetensors");
    uint64_t size;
    std::memcpy(&size, file.data(), 8);
    json header = json::parse(file.substr(8, size));
    edit(header);
    const std::string text = header.dump();
    const uint64_t length = text.size();
    std::string changed(8, '\0');
    std::memcpy(changed.data(), &length, 8);
    Write("model.safetensors", changed + text + file.substr(8 + size));
  }
  void WriteHeaderLength(uint64_t length) const {
    std::string file = Read("model.safetensors");
    std::memcpy(file.data(), &length, 8);
    Write("model.safetensors", file);
  }

  // `run` on the folder must fail with this exit code and one line that contains `expected`.
  void ExpectRunFails(int status, const std::string& expected, const std::string& flags = "-p hello -n 1") const {
    ExpectFails("run -m " + folder_.string() + " " + flags, status, expected);
  }
  static void ExpectFails(const std::string& arguments, int status, const std::string& expected,
                          const std::string& environment = "") {
    const ProgramResult r = RunProgram(arguments, environment);
    EXPECT_EQ(r.status, status) << arguments << "\n" << r.err;
    EXPECT_EQ(r.out, "") << arguments;
    EXPECT_EQ(r.err.rfind("spate: ", 0), 0u) << arguments << "\n" << r.err;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << arguments << "\n" << r.err;
    EXPECT_NE(r.err.find(expected), std::string::npos) << arguments << "\nexpected: " << expected << "\n" << r.err;
  }

  fs::path folder_ = fs::temp_directory_path() / fmt::format("spate-bad-input-{}", getpid()) / "model";
};

TEST_F(BadInput, TheUntouchedFolderRuns) {
  const ProgramResult r = RunProgram("run -q -m " + folder_.string() + " -p hello -n 1 --temperature 0");
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_NE(r.out, "");
}

TEST_F(BadInput, MissingThings) {
  ExpectFails("run -m /nonexistent/model -p x", 3, "/nonexistent/model");
  fs::remove(folder_ / "tokenizer.json");
  ExpectRunFails(2, "no tokenizer");
  fs::remove(folder_ / "model.safetensors");
  ExpectRunFails(3, "no weights");
  fs::remove(folder_ / "config.json");
  ExpectRunFails(3, "config.json");
}

TEST_F(BadInput, FilesThatAreNone) {
  Write("model.safetensors", "");
  ExpectRunFails(3, "empty");
  Write("model.safetensors", "1234");
  ExpectRunFails(3, "not a safetensors file");
  fs::remove(folder_ / "model.safetensors");
  fs::create_directory(folder_ / "model.safetensors");
  ExpectRunFails(3, "directory");
  fs::remove_all(folder_ / "model.safetensors");
  ASSERT_EQ(mkfifo((folder_ / "model.safetensors").c_str(), 0600), 0);
  ExpectRunFails(3, "regular file");  // and does not hang
}

TEST_F(BadInput, UnreadableFile) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  fs::permissions(folder_ / "model.safetensors", fs::perms::none);
  ExpectRunFails(3, "model.safetensors");
}

TEST_F(BadInput, TruncatedWeights) {
  const std::string file = Read("model.safetensors");
  Write("model.safetensors", file.substr(0, file.size() / 2));
  ExpectRunFails(3, "truncated");
  Write("model.safetensors", file.substr(0, 100));
  ExpectRunFails(3, "truncated");
}

TEST_F(BadInput, HeaderLengths) {
  WriteHeaderLength(fs::file_size(folder_ / "model.safetensors"));
  ExpectRunFails(3, "truncated");
  WriteHeaderLength(UINT64_MAX - 7);
  ExpectRunFails(3, "claims 18446744073709551608 bytes");
}

TEST_F(BadInput, OverlappingAndMisalignedTensors) {
  const std::string name = "model.norm.weight";
  EditHeader([&](json& h) {
    for (auto& offset : h[name]["data_offsets"]) offset = offset.get<int64_t>() == 0 ? 2 : offset.get<int64_t>() - 2;
  });
  ExpectRunFails(3, "tensor \"model.");
  EditHeader([&](json& h) {
    for (auto& offset : h[name]["data_offsets"]) offset = offset.get<int64_t>() + 1;
  });
  ExpectRunFails(3, "not aligned");
}

TEST_F(BadInput, WrongTypesAndShapes) {
  const std::string name = "model.layers.0.self_attn.q_proj.weight";
  EditHeader([&](json& h) { h[name]["dtype"] = "I16"; });
  ExpectRunFails(3, "is i16");
  EditHeader([&](json& h) { h[name]["dtype"] = "BF16"; });
  EditHeader([&](json& h) { h[name]["shape"] = {128, 512}; });
  ExpectRunFails(3, "shape [128, 512]");
}

TEST_F(BadInput, AbsentTensorsAreNamedTogether) {
  EditHeader([&](json& h) {
    for (const char* name : {"model.norm.weight", "model.layers.1.mlp.up_proj.weight"}) {
      h[std::string(name) + ".gone"] = h[name];
      h.erase(name);
    }
  });
  ExpectRunFails(3, "2 tensors of LlamaForCausalLM missing: model.layers.1.mlp.up_proj.weight, model.norm.weight");
}

TEST_F(BadInput, Configurations) {
  EditConfig("architectures", {"MambaForCausalLM"});
  ExpectRunFails(3, "known are LlamaForCausalLM");
  EditConfig("architectures", {"LlamaForCausalLM"});
  EditConfig("num_attention_heads", 7);
  ExpectRunFails(3, "num_attention_heads");
  EditConfig("num_attention_heads", 8);
  EditConfig("hidden_size", 1e12);
  ExpectRunFails(3, "hidden_size");
  Write("config.json", "{\"architectures\": [");
  ExpectRunFails(3, "config.json");
}

TEST_F(BadInput, IndexFiles) {
  const std::string index = "model.safetensors.index.json";
  Write(index, R"({"weight_map": {"model.norm.weight": "../model.safetensors"}})");
  ExpectRunFails(3, "not in this folder");
  Write(index, R"({"metadata": {"total_size": 7}, "weight_map": {"model.norm.weight": "model.safetensors"}})");
  ExpectRunFails(3, "total_size says 7");
  Write(index, R"({"weight_map": {"model.norm.weight": "model-2.safetensors"}})");
  ExpectRunFails(3, "model-2.safetensors");
}

TEST_F(BadInput, Tokenizers) {
  Write("tokenizer.json", Read("tokenizer.json").substr(0, 5000));
  ExpectRunFails(3, "tokenizer.json");
  Write("tokenizer.json", R"({"model": {"type": "Telepathy"}})");
  ExpectRunFails(3, "Telepathy");
}

TEST_F(BadInput, VocabularySmallerThanIds) {
  ExpectRunFails(3, "2048", "--ids 1,2,2048 -n 1");  // ids run from 0 to 2047
  EditHeader([&](json& h) {                          // the table loses its last rows, the tokenizer does not
    auto& table = h["model.embed_tokens.weight"];
    table["shape"][0] = 2000;
    const int64_t end = table["data_offsets"][0].get<int64_t>() + int64_t{2000} * table["shape"][1].get<int64_t>() * 2;
    h["model.rest"] = {{"dtype", "U8"},
                       {"shape", {table["data_offsets"][1].get<int64_t>() - end}},
                       {"data_offsets", {end, table["data_offsets"][1]}}};
    table["data_offsets"][1] = end;
  });
  EditConfig("vocab_size", 2000);
  ExpectRunFails(3, "model.rest");
}

TEST_F(BadInput, PromptsThatDoNotFit) {
  std::string prompt;
  for (int i = 0; i < 3000; ++i) prompt += "tale ";
  Write("prompt.txt", prompt);
  ExpectRunFails(4, "512", "-n 1 -f " + (folder_ / "prompt.txt").string());
  Write("bytes.txt", "good \xff\xfe bad");
  ExpectRunFails(3, "UTF-8", "-n 1 -f " + (folder_ / "bytes.txt").string());
  ExpectRunFails(2, "prompt", "-n 1");
}

TEST_F(BadInput, Flags) {
  ExpectRunFails(2, "did you mean --temperature?", "-p x --temprature 0");
  ExpectRunFails(2, "temperature", "-p x --temperature -1");
  ExpectRunFails(2, "--dtype: unknown format \"int3\"", "-p x --dtype int3");
  ExpectRunFails(2, "unknown backend \"tpu\"", "-p x --backend tpu");
  ExpectRunFails(2, "token ids", "--ids 1,two,3");
  ExpectRunFails(2, "--num-layers", "-p x --num-layers 99");
  ExpectFails("rnu", 2, "did you mean run?");
  ExpectFails("run -m " + folder_.string() + " -p x", 2, "portable", "SPATE_ISA=sse9");
}

}  // namespace
}  // namespace spate
