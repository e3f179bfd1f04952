#include "convert/pull/model_store.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "convert/pull/hub_server_for_test.h"
#include "convert/pull/store_manifest.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

TEST(ModelName, TakesWhatHubsAllow) {
  const auto name = ParseModelName("Qwen/Qwen2.5-0.5B_x@refs/pr/1:Q4_K_M");
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name->repo(), "Qwen/Qwen2.5-0.5B_x");
  EXPECT_EQ(name->revision, "refs/pr/1");
  EXPECT_EQ(name->quant, "Q4_K_M");
  EXPECT_EQ(name->text(), "Qwen/Qwen2.5-0.5B_x@refs/pr/1:Q4_K_M");
  EXPECT_EQ(ParseModelName("a/b@main")->text(), "a/b");
  EXPECT_EQ(FolderOf("/s", *name), fs::path("/s/models/Qwen/Qwen2.5-0.5B_x@refs%2Fpr%2F1"));
}

TEST(ModelName, RefusesPathsAndTricks) {
  for (const char* text : {"",       "a",     "a/",   "/b",      "./a",        "../a",  "a/..",
                           "a/b/c",  "/a/b",  "a/b:", "a/b:x/y", "a/b@",       "a b/c", "a/b@../c",
                           "a/b@/c", "a/b\n", "-a/b", "a/b?x",   "http://h/b", "a/.b"}) {
    EXPECT_FALSE(ParseModelName(text).has_value()) << text;
  }
}

class Store : public ::testing::Test {
 protected:
  void AddModel(const std::string& folder, const std::vector<std::string>& files) {
    FileSums manifest;
    for (const std::string& file : files) {
      folder_.Write("models/" + folder + "/" + file, "12345");
      manifest[file] = {5, std::string(64, 'a')};
    }
    WriteStoreManifest(folder_.path() / "models" / folder, manifest);
  }
  std::string Resolved(const std::string& given) {
    std::string out;
    const std::string error =
        ErrorOf([&] { out = ResolveModel(given, folder_.path()).lexically_relative(folder_.path() / "models"); });
    return error == "done" ? out : error;
  }
  TestFolder folder_;
};

TEST_F(Store, ResolvesItsModels) {
  AddModel("a/plain", {"config.json", "model.safetensors", "m-Q8_0.gguf"});
  AddModel("a/gguf", {"Q4_0/m-Q4_0-00001-of-00002.gguf", "Q4_0/m-Q4_0-00002-of-00002.gguf"});
  AddModel("a/both", {"m-Q4_0.gguf", "m-Q8_0.gguf"});
  AddModel("a/plain@v2", {"config.json", "model.safetensors"});
  EXPECT_EQ(Resolved("a/plain"), "a/plain");
  EXPECT_EQ(Resolved("a/plain:q8_0"), "a/plain/m-Q8_0.gguf");
  EXPECT_EQ(Resolved("a/plain@v2"), "a/plain@v2");
  EXPECT_EQ(Resolved("a/gguf"), "a/gguf/Q4_0/m-Q4_0-00001-of-00002.gguf");
  EXPECT_EQ(Resolved("a/both:Q4_0"), "a/both/m-Q4_0.gguf");
  EXPECT_NE(Resolved("a/both").find("there are Q4_0, Q8_0"), std::string::npos);
}

TEST_F(Store, SaysWhatToPull) {
  AddModel("a/gguf", {"m-Q4_0.gguf"});
  folder_.Write("models/a/torn/model.safetensors.part", "123");
  EXPECT_NE(Resolved("a/none").find("spate pull a/none"), std::string::npos);
  EXPECT_NE(Resolved("a/none").find("3: "), std::string::npos);
  EXPECT_NE(Resolved("a/gguf:Q8_0").find("spate pull a/gguf:Q8_0"), std::string::npos);
  EXPECT_NE(Resolved("a/torn").find("to go on: spate pull a/torn"), std::string::npos);
}

TEST_F(Store, PathsWinAndOtherTextsAreLeftAlone) {
  AddModel("a/plain", {"config.json"});
  const fs::path here = fs::current_path();
  fs::create_directories(folder_.path() / "cwd/a/plain");
  fs::current_path(folder_.path() / "cwd");
  EXPECT_EQ(ResolveModel("a/plain", folder_.path()), fs::path("a/plain"));
  fs::current_path(here);
  EXPECT_EQ(ResolveModel("./nothing/here", folder_.path()), fs::path("./nothing/here"));
  EXPECT_EQ(ResolveModel("nothing.gguf", folder_.path()), fs::path("nothing.gguf"));
}

TEST_F(Store, ListsModelsAsTheyAreNamed) {
  AddModel("a/both", {"m-Q4_0.gguf", "m-Q8_0.gguf", "config.json"});
  AddModel("b/x@refs%2Fpr%2F1", {"config.json", "model.safetensors"});
  folder_.Write("models/b/torn/model.safetensors.part", "123");
  folder_.Write("models/b/wrong/spate-manifest.json", "{}");
  std::string all;
  for (const StoredModel& m : ListModels(folder_.path())) {
    all += fmt::format("{} {} {} {}\n", m.name, m.files, m.bytes, m.whole);
  }
  EXPECT_EQ(all,
            "a/both:Q4_0 1 5 true\na/both:Q8_0 1 5 true\na/both 1 5 true\nb/torn 1 3 false\nb/wrong 1 2 false\n"
            "b/x@refs/pr/1 2 10 true\n");
  EXPECT_TRUE(ListModels(folder_.path() / "nowhere").empty());
}

TEST_F(Store, ListsWhatIsMissingOrDamaged) {
  AddModel("a/both", {"m-Q4_0.gguf", "m-Q8_0.gguf", "config.json", "model.safetensors"});
  folder_.Write("models/a/both/m-Q8_0.gguf", "1234");
  fs::remove(folder_.path() / "models/a/both/config.json");
  fs::remove(folder_.path() / "models/a/both/model.safetensors");
  fs::create_symlink("nowhere", folder_.path() / "models/a/both/model.safetensors");
  const std::vector<StoredModel> models = ListModels(folder_.path());
  ASSERT_EQ(models.size(), 3u);
  EXPECT_TRUE(models[0].whole && models[0].missing.empty() && models[0].damaged.empty());
  EXPECT_FALSE(models[1].whole);
  EXPECT_EQ(models[1].damaged, std::vector<std::string>{"m-Q8_0.gguf"});
  EXPECT_FALSE(models[2].whole);
  EXPECT_EQ(models[2].missing, (std::vector<std::string>{"config.json", "model.safetensors"}));
  EXPECT_EQ(models[2].bytes, 10);  // as they were pulled
}

TEST_F(Store, AManifestThatLeadsNowhereIsNamed) {
  fs::create_directories(folder_.path() / "models/a/x");
  fs::create_symlink("nowhere", folder_.path() / "models/a/x/spate-manifest.json");
  EXPECT_NE(Resolved("a/x").find("spate-manifest.json: cannot open: no such file"), std::string::npos)
      << Resolved("a/x");
  folder_.Write("models/a/x/SHA256SUMS", std::string(64, 'a') + "  f\n");
  EXPECT_EQ(FindManifest(folder_.path() / "models/a/x")->filename(), "spate-manifest.json");
}

TEST_F(Store, WhatCannotBeListedIsNotEmpty) {
  fs::create_symlink("models", folder_.path() / "models");
  EXPECT_NE(ErrorOf([&] { ListModels(folder_.path()); }).find("models: cannot be listed: "), std::string::npos);
}

TEST_F(Store, RefusesManifestsThatLeaveTheFolder) {
  folder_.Write("models/a/x/spate-manifest.json",
                R"({"format": "spate-manifest", "version": 1, "files": {"../../x.gguf": {"size": 1, "sha256": ")" +
                    std::string(64, 'a') + "\"}}}");
  EXPECT_NE(Resolved("a/x").find("3: "), std::string::npos);
}

}  // namespace
}  // namespace spate
