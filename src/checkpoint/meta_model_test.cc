#include "checkpoint/meta_model.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"
#include "checkpoint/meta_params.h"
#include "checkpoint/test_files.h"

namespace spate {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

#define EXPECT_HAS(message, part) EXPECT_NE((message).find(part), std::string::npos) << (message)

std::unique_ptr<Checkpoint> Whole() {
  const TemporaryFolder folder;
  fs::copy_file(FormatFiles() / "meta" / "whole.safetensors", folder.path() / "model.safetensors");
  return OpenCheckpoint(folder.path());
}

class MetaFolders : public ::testing::TestWithParam<const char*> {};

TEST_P(MetaFolders, AreWholeAgain) {
  const fs::path folder = FormatFiles() / GetParam();
  ASSERT_TRUE(IsMetaFolder(folder));
  const MetaModel model = OpenMetaFolder(folder);
  ExpectSameTensors(*model.checkpoint, *Whole());
  EXPECT_EQ(model.checkpoint->Find("rope.freqs"), nullptr);

  json want = ReadJsonFile((FormatFiles() / "safetensors" / "config.json").string(), {});
  want["head_dim"] = 8;
  want["rope_interleave"] = true;
  EXPECT_EQ(model.config, want);
}

INSTANTIATE_TEST_SUITE_P(Splits, MetaFolders, ::testing::Values("meta", "meta_rows", "meta_columns"));

TEST(MetaFolder, OneFileIsReadInPlace) {
  const MetaModel model = OpenMetaFolder(FormatFiles() / "meta");
  for (const std::string_view name : model.checkpoint->Names()) {
    EXPECT_EQ(model.checkpoint->Find(name)->maker, nullptr) << name;
  }
  EXPECT_NE(OpenMetaFolder(FormatFiles() / "meta_rows").checkpoint->Find("output.weight")->maker, nullptr);
}

// A copy of tests/formats/meta_rows whose params.json is changed.
std::string Changed(const std::function<void(json&)>& change, const std::function<void(const fs::path&)>& files = {}) {
  const TemporaryFolder folder;
  for (const auto& entry : fs::directory_iterator(FormatFiles() / "meta_rows")) {
    fs::copy_file(entry.path(), folder.path() / entry.path().filename());
  }
  json params = ReadJsonFile((folder.path() / "params.json").string(), {});
  change(params);
  WriteBytes(folder.path() / "params.json", params.dump());
  if (files) files(folder.path());
  return BadInputMessage([&] { OpenMetaFolder(folder.path()); });
}

TEST(MetaFolder, RefusesWhatDoesNotAddUp) {
  const auto nothing = [](json&) {};
  EXPECT_EQ(Changed(nothing), "accepted");
  EXPECT_EQ(Changed([](json& p) { p["vocab_size"] = 16; }), "accepted");
  EXPECT_HAS(Changed([](json& p) { p["vocab_size"] = 32; }), "vocab_size 32; tok_embeddings of 2 files has 16 rows");
  EXPECT_HAS(Changed([](json& p) { p["multiple_of"] = 64; }), "feed-forward of 64; w1 of 2 files has 32 rows");
  EXPECT_HAS(Changed([](json& p) { p["n_kv_heads"] = 4; }),
             "[8, 32] in each of 2 files; params.json asks for [32, 32]");
  EXPECT_HAS(Changed([](json& p) { p["dim"] = 31; }), "not a multiple");
  EXPECT_HAS(Changed([](json& p) { p["dim"] = int64_t{1} << 62; }), "dim");
  EXPECT_HAS(Changed([](json& p) { p.erase("dim"); }), "dim");
  EXPECT_HAS(Changed([](json& p) { p["moe"] = {{"num_experts", 8}}; }), "\"moe\" is not known");
  EXPECT_HAS(Changed(nothing, [](const fs::path& f) { fs::remove(f / "consolidated.01.pth"); }), "a file missing?");
  EXPECT_HAS(Changed(nothing,
                     [](const fs::path& f) {
                       fs::remove(f / "consolidated.01.pth");
                       fs::copy_file(FormatFiles() / "torch_save" / "views.bin", f / "consolidated.01.pth");
                     }),
             "not in consolidated.01.pth");
  EXPECT_HAS(Changed(nothing,
                     [](const fs::path& f) {
                       fs::remove(f / "consolidated.01.pth");
                       fs::copy_file(FormatFiles() / "meta" / "consolidated.00.pth", f / "consolidated.01.pth");
                     }),
             "differ in shape");
}

TEST(MetaFolder, SurvivesMutations) {
  const TemporaryFolder folder;
  for (const char* name : {"params.json", "consolidated.00.pth", "consolidated.01.pth"}) {
    fs::copy_file(FormatFiles() / "meta_columns" / name, folder.path() / name);
  }
  const auto read = [&](const char* name) {
    return [&folder, name](const std::string& bytes) {
      WriteBytes(folder.path() / name, bytes);
      const MetaModel model = OpenMetaFolder(folder.path());
      for (const std::string_view tensor : model.checkpoint->Names()) {
        const TensorView& view = *model.checkpoint->Find(tensor);
        EXPECT_EQ(static_cast<int64_t>(AllBytes(view, *model.checkpoint).size()), view.StoredBytes());
      }
    };
  };
  ExpectSurvivesMutations(ReadBytes(folder.path() / "params.json"), 500, read("params.json"));
  fs::copy_file(FormatFiles() / "meta_columns" / "params.json", folder.path() / "params.json",
                fs::copy_options::overwrite_existing);
  ExpectSurvivesMutations(ReadBytes(folder.path() / "consolidated.01.pth"), 500, read("consolidated.01.pth"));
}

json ConfigOf(const json& params, int64_t dim, int64_t layers) {
  MetaSizes sizes{.dim = dim, .layers = layers, .heads = 32, .kv_heads = 8, .head_dim = dim / 32};
  return MetaConfig(params, sizes, DType::kBF16, "params.json");
}

TEST(MetaConfig, KnowsTheGenerations) {
  const json llama31 = {{"rope_theta", 500000.0}, {"use_scaled_rope", true}, {"norm_eps", 1e-5}};
  EXPECT_EQ(ConfigOf(llama31, 4096, 32)["rope_scaling"],
            json::parse(R"({"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,
                            "original_max_position_embeddings":8192})"));
  EXPECT_EQ(ConfigOf(llama31, 4096, 32)["max_position_embeddings"], 131072);
  EXPECT_EQ(ConfigOf(llama31, 2048, 16)["rope_scaling"]["factor"], 32.0);
  EXPECT_EQ(ConfigOf(llama31, 3072, 28)["rope_scaling"]["factor"], 32.0);
  EXPECT_EQ(ConfigOf({{"rope_theta", 500000.0}}, 4096, 32)["max_position_embeddings"], 8192);
  EXPECT_EQ(ConfigOf({{"rope_theta", 1000000}}, 4096, 32)["max_position_embeddings"], 16384);
  EXPECT_EQ(ConfigOf({{"norm_eps", 1e-5}}, 4096, 32)["max_position_embeddings"], 4096);
  EXPECT_EQ(ConfigOf({{"norm_eps", 1e-6}}, 4096, 32)["max_position_embeddings"], 2048);
  EXPECT_EQ(ConfigOf({{"max_seq_len", 512}}, 4096, 32)["max_position_embeddings"], 512);
  EXPECT_FALSE(ConfigOf({{"norm_eps", 1e-6}}, 4096, 32).contains("rope_scaling"));
}

// The widths of published models: dim, ffn_dim_multiplier, multiple_of, hidden.
TEST(MetaConfig, ComputesTheFeedForward) {
  struct Case {
    int64_t dim;
    json multiplier;
    int64_t multiple_of, hidden;
  };
  for (const Case& c : {Case{4096, nullptr, 256, 11008}, Case{5120, nullptr, 256, 13824}, Case{8192, 1.3, 4096, 28672},
                        Case{4096, 1.3, 1024, 14336}, Case{8192, 1.0, 256, 22016}, Case{2048, 1.5, 256, 8192},
                        Case{3072, 1.0, 256, 8192}, Case{16384, 1.2, 4096, 53248}}) {
    const json params = {{"dim", c.dim},
                         {"n_layers", 1},
                         {"n_heads", 32},
                         {"ffn_dim_multiplier", c.multiplier},
                         {"multiple_of", c.multiple_of}};
    TensorMap shard;
    shard["tok_embeddings.weight"] = {.shape = {16, c.dim}, .bytes = {}};
    shard["layers.0.feed_forward.w1.weight"] = {.shape = {c.hidden / 2, c.dim}, .bytes = {}};
    EXPECT_EQ(ReadMetaSizes(params, shard, 2, "params.json").hidden, c.hidden);
  }
}

}  // namespace
}  // namespace spate
