#include "convert/pull/hub_files.h"

#include <gtest/gtest.h>

#include <set>

#include "convert/pull/hub_server_for_test.h"

namespace spate {
namespace {

using Names = std::set<std::string>;

Names Selected(const Names& names, std::string_view quant = "") {
  HubListing listing;
  for (const std::string& name : names)
    listing.files.push_back({.name = name, .size = 1, .sha256 = "", .git_sha1 = ""});
  Names out;
  for (const HubFile& file : SelectFiles(listing, quant, "r")) out.insert(file.name);
  return out;
}

TEST(HubFiles, TakesOneCopyOfTheWeights) {
  const Names kept = {"config.json",
                      "generation_config.json",
                      "tokenizer.json",
                      "tokenizer_config.json",
                      "model-00001-of-00002.safetensors",
                      "model-00002-of-00002.safetensors",
                      "model.safetensors.index.json",
                      "chat_template.jinja",
                      "qwen.tiktoken"};
  Names all = kept;
  all.insert({".gitattributes", "README.md", "modeling_x.py", "training_args.bin", "optimizer.pt",
              "consolidated.safetensors", "original/consolidated.00.pth", "original/tokenizer.model",
              "pytorch_model-00001-of-00001.bin", "pytorch_model.bin.index.json", "onnx/model.onnx",
              "adapter_model.safetensors", "model-Q4_0.gguf"});
  EXPECT_EQ(Selected(all), kept);
  EXPECT_EQ(Selected(all, "Q4_0"), (Names{"model-Q4_0.gguf"}));
}

TEST(HubFiles, FallsBackFormatByFormat) {
  EXPECT_EQ(Selected({"config.json", "pytorch_model.bin", "training_args.bin", "model.py"}),
            (Names{"config.json", "pytorch_model.bin"}));
  EXPECT_EQ(Selected({"config.json", "model.safetensors", "model.fp16.safetensors"}),
            (Names{"config.json", "model.safetensors"}));
  EXPECT_EQ(Selected({"mlc-chat-config.json", "ndarray-cache.json", "params_shard_0.bin", "tokenizer.json"}),
            (Names{"mlc-chat-config.json", "ndarray-cache.json", "params_shard_0.bin", "tokenizer.json"}));
  EXPECT_EQ(Selected({"params.json", "consolidated.00.pth", "consolidated.01.pth", "tokenizer.model", "checklist.chk"}),
            (Names{"params.json", "consolidated.00.pth", "consolidated.01.pth", "tokenizer.model"}));
}

TEST(HubFiles, TakesGgufWithoutItsNeighbours) {
  const Names repo = {
      "config.json",    "README.md", "m-Q4_K_M.gguf", "m-Q8_0-00001-of-00002.gguf", "m-Q8_0-00002-of-00002.gguf",
      "mmproj-f16.gguf"};
  EXPECT_EQ(Selected(repo), (Names{"m-Q4_K_M.gguf"}));  // a config.json beside it would make a folder of another kind
  EXPECT_EQ(Selected(repo, "q8_0"), (Names{"m-Q8_0-00001-of-00002.gguf", "m-Q8_0-00002-of-00002.gguf"}));
  EXPECT_NE(ErrorOf([&] { Selected(repo, "Q2_K"); }).find("there are Q4_K_M, Q8_0"), std::string::npos);
}

TEST(HubFiles, SaysWhenThereIsNoModel) {
  EXPECT_EQ(ErrorOf([] {
              Selected({"README.md", "data.parquet"});
            }).substr(0, 40),
            "3: r: 2 files, and among them no model: ");
  EXPECT_EQ(ErrorOf([] { Selected({}); }).substr(0, 2), "3:");
  EXPECT_EQ(ErrorOf([] { Selected({"config.json", "model.safetensors"}, "Q4_0"); }).substr(0, 2), "2:");
}

}  // namespace
}  // namespace spate
