#include "checkpoint/mlc_model.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"
#include "checkpoint/mlc_config.h"
#include "checkpoint/test_files.h"

namespace spate {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

#define EXPECT_HAS(message, part) EXPECT_NE((message).find(part), std::string::npos) << (message)

class MlcFolders : public ::testing::TestWithParam<const char*> {};

TEST_P(MlcFolders, HoldWhatSafetensorsHolds) {
  const TemporaryFolder reference;
  fs::copy_file(FormatFiles() / GetParam() / "whole.safetensors", reference.path() / "model.safetensors");
  ASSERT_TRUE(IsMlcFolder(FormatFiles() / GetParam()));
  const MlcModel model = OpenMlcFolder(FormatFiles() / GetParam());
  ExpectSameTensors(*model.checkpoint, *OpenCheckpoint(reference.path()));

  json want = ReadJsonFile((FormatFiles() / "safetensors" / "config.json").string(), {});
  want["head_dim"] = 8;
  want["bos_token_id"] = 1;
  want["eos_token_id"] = 2;
  EXPECT_EQ(model.config, want);
}

INSTANTIATE_TEST_SUITE_P(Quantizations, MlcFolders, ::testing::Values("mlc_q4f16_1", "mlc_q0f16"));

// A copy of tests/formats/mlc_q4f16_1 in which files may be changed.
class MlcFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto& entry : fs::directory_iterator(FormatFiles() / "mlc_q4f16_1")) {
      fs::copy_file(entry.path(), folder_.path() / entry.path().filename());
    }
  }
  json Read(const char* name) const { return ReadJsonFile((FormatFiles() / "mlc_q4f16_1" / name).string(), {}); }
  std::string Open() const {
    return BadInputMessage([&] { OpenMlcFolder(folder_.path()); });
  }
  // What opening says when "name" is changed; the file is as before afterwards.
  std::string Changed(const char* name, const std::function<void(json&)>& change) const {
    json value = Read(name);
    change(value);
    WriteBytes(folder_.path() / name, value.dump());
    std::string message = Open();
    WriteBytes(folder_.path() / name, Read(name).dump());
    return message;
  }
  std::string Record(const char* key, const json& value) const {
    return Changed("ndarray-cache.json", [&](json& cache) { cache["records"][0]["records"][0][key] = value; });
  }
  TemporaryFolder folder_;
};

TEST_F(MlcFolder, OpensUnderTheNewerName) {
  fs::rename(folder_.path() / "ndarray-cache.json", folder_.path() / "tensor-cache.json");
  EXPECT_TRUE(IsMlcFolder(folder_.path()));
  EXPECT_EQ(Open(), "accepted");
}

TEST_F(MlcFolder, RefusesWhatDoesNotAddUp) {
  EXPECT_EQ(Open(), "accepted");
  EXPECT_HAS(Record("nbytes", 7), "does not have 7 bytes");
  EXPECT_HAS(Record("nbytes", -1), "nbytes");
  EXPECT_HAS(Record("byteOffset", INT64_MAX), "truncated");
  EXPECT_HAS(Record("shape", {1, 2, 3}), "does not have");
  EXPECT_HAS(Record("shape", {uint64_t{1} << 62, uint64_t{1} << 62}), "does not have");
  EXPECT_HAS(Record("shape", {uint64_t{1} << 62, uint64_t{1} << 62, 0}), "does not have");
  EXPECT_HAS(Record("shape", {-1}), "expected sizes");
  EXPECT_HAS(Record("dtype", "float8"), "float8");
  EXPECT_HAS(Record("format", "zip"), "expected raw");
  const auto cache = [&](const std::function<void(json&)>& change) { return Changed("ndarray-cache.json", change); };
  EXPECT_HAS(cache([](json& c) { c["records"][0]["dataPath"] = "../params_shard_0.bin"; }), "only plain file names");
  EXPECT_HAS(cache([](json& c) { c["records"][0]["format"] = "npz"; }), "expected raw-shard");
  EXPECT_HAS(cache([](json& c) { c["records"].push_back(c["records"][0]); }), "occurs twice");
  EXPECT_HAS(cache([](json& c) { c["records"] = json::array(); }), "no tensors");
  EXPECT_HAS(cache([](json& c) {
               for (json& shard : c["records"]) {
                 for (json& record : shard["records"]) {
                   if (record["name"] == "lm_head.q_scale") record["name"] = "lm_head.other";
                 }
               }
             }),
             "no q_scale beside it");
  const auto chat = [&](const std::function<void(json&)>& change) { return Changed("mlc-chat-config.json", change); };
  EXPECT_HAS(chat([](json& c) { c["quantization"] = "q4f16_0"; }), "q4f16_0");
  EXPECT_HAS(chat([](json& c) { c["model_type"] = "rwkv"; }), "known are llama");
  EXPECT_HAS(chat([](json& c) { c.erase("model_config"); }), "model_config");
  EXPECT_HAS(chat([](json& c) { c["model_config"]["intermediate_size"] = 33; }), "expected 66 rows");
  EXPECT_HAS(chat([](json& c) { c["model_config"]["num_key_value_heads"] = 3; }), "expected 80 rows");
}

TEST_F(MlcFolder, SurvivesMutations) {
  for (const char* name : {"ndarray-cache.json", "mlc-chat-config.json", "params_shard_1.bin"}) {
    const std::string original = ReadBytes(folder_.path() / name);
    ExpectSurvivesMutations(original, 400, [&](const std::string& bytes) {
      WriteBytes(folder_.path() / name, bytes);
      const MlcModel model = OpenMlcFolder(folder_.path());
      for (const std::string_view tensor : model.checkpoint->Names()) {
        const TensorView& view = *model.checkpoint->Find(tensor);
        if (view.shape.size() <= 2 && !view.shape.empty()) AllBytes(view, *model.checkpoint);
      }
    });
    WriteBytes(folder_.path() / name, original);
  }
}

TEST(MlcConfig, ReadsMistralAndQwen) {
  const json mistral = MlcConfig(json::parse(R"({"model_type":"mistral","quantization":"q4f32_1","model_config":{
      "hidden_size":4096,"intermediate_size":14336,"num_attention_heads":32,"num_hidden_layers":32,"rms_norm_eps":1e-5,
      "vocab_size":32000,"position_embedding_base":1000000,"context_window_size":-1,"sliding_window_size":4096,
      "num_key_value_heads":8}})"),
                                 "c");
  EXPECT_EQ(mistral["architectures"][0], "MistralForCausalLM");
  EXPECT_EQ(mistral["sliding_window"], 4096);
  EXPECT_EQ(mistral["max_position_embeddings"], 4096);
  EXPECT_EQ(mistral["head_dim"], 128);
  EXPECT_EQ(mistral["torch_dtype"], "float32");
  const json qwen = MlcConfig(json::parse(R"({"model_type":"qwen2","quantization":"q0bf16","model_config":{
      "hidden_size":896,"intermediate_size":4864,"num_attention_heads":14,"num_hidden_layers":24,"rms_norm_eps":1e-6,
      "vocab_size":151936,"rope_theta":1000000,"context_window_size":32768,"num_key_value_heads":2,
      "tie_word_embeddings":true}})"),
                              "c");
  EXPECT_EQ(qwen["rope_theta"], 1e6);
  EXPECT_EQ(qwen["tie_word_embeddings"], true);
  EXPECT_EQ(qwen["torch_dtype"], "bfloat16");
}

}  // namespace
}  // namespace spate
