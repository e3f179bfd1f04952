#include "convert/pull/pull.h"

#include <fcntl.h>
#include <sys/file.h>

#include <fstream>
#include <thread>

#include "base/mmap_file.h"
#include "convert/pull/pull_for_test.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

TEST_F(PullTest, FetchesWhatMakesUpTheModel) {
  const PullReport report = Pull(options_);
  ExpectWhole();
  EXPECT_EQ(report.commit, HubServer::kCommit);
  EXPECT_EQ(report.fetched_bytes, static_cast<int64_t>(config_.size() + weights_.size()));
  const FileSums manifest = *ReadStoreManifest(report.folder);
  EXPECT_EQ(manifest.at(kWeights).sha256, Sha256Of(weights_));
  EXPECT_EQ(manifest.at("config.json").sha256, Sha256Of(config_));
  EXPECT_EQ(ResolveModel(kRepo, store_.path()), report.folder);
}

TEST_F(PullTest, FetchesNothingTwice) {
  Pull(options_);
  const size_t requests = server_.seen().size();
  EXPECT_EQ(Pull(options_).fetched_bytes, 0);
  EXPECT_EQ(server_.seen().size(), requests + 1);                    // the listing
  store_.Write(InModel(kWeights), RandomBytes(weights_.size(), 8));  // the right size, other bytes
  EXPECT_EQ(Pull(options_).fetched_bytes, static_cast<int64_t>(weights_.size()));
  ExpectWhole();
}

TEST_F(PullTest, AManifestThatLeadsNowhereIsWrittenAnew) {
  fs::create_directories(store_.path() / InModel(""));
  fs::create_symlink("nowhere", store_.path() / InModel(std::string(kManifestName)));
  Pull(options_);
  ExpectWhole();
}

TEST_F(PullTest, WritesNothingForAHostileListing) {
  server_.SetListing(kRepo, R"({"sha": ")" + std::string(HubServer::kCommit) +
                                R"(", "siblings": [{"rfilename": "../../../config.json", "size": 1, "blobId": ")" +
                                std::string(40, 'a') + "\"}]}");
  EXPECT_NE(Error().find("does not stay"), std::string::npos);
  EXPECT_TRUE(store_.Names().empty());
}

TEST_F(PullTest, FollowsNoLinksOutOfItsFolder) {
  const TestFolder outside;
  server_.Add("lab/split", "sub/m-Q4_0.gguf", "gguf", true);
  options_.model = *ParseModelName("lab/split");
  fs::create_directories(store_.path() / "models/lab/split");
  fs::create_directory_symlink(outside.path(), store_.path() / "models/lab/split/sub");
  EXPECT_EQ(Error().substr(0, 2), "5:");
  EXPECT_TRUE(outside.Names().empty());
  fs::remove(store_.path() / "models/lab/.split.lock");
  fs::remove_all(store_.path() / "models/lab/split");

  outside.Write("target", "mine");
  options_.model = *ParseModelName(kRepo);
  fs::create_directories(store_.path() / "models/lab/tiny");
  fs::create_symlink(outside.path() / "target", store_.path() / InModel(kWeights));
  fs::create_symlink(outside.path() / "target", store_.path() / InModel("config.json.part"));
  EXPECT_EQ(Error().substr(0, 2), "5:");  // of the part
  fs::remove(store_.path() / InModel("config.json.part"));
  Pull(options_);
  ExpectWhole();
  EXPECT_EQ(outside.Read("target"), "mine");
}

TEST_F(PullTest, OneAtATime) {
  fs::create_directories(store_.path() / "models/lab");
  const UniqueFd other(open((store_.path() / "models/lab/.tiny.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(flock(other.get(), LOCK_EX), 0);
  EXPECT_NE(Error().find("another pull of it is under way"), std::string::npos);
  flock(other.get(), LOCK_UN);
  EXPECT_EQ(Error(), "done");
}

TEST_F(PullTest, LooksAtTheDiskFirst) {
  server_.SetListing(kRepo, R"({"sha": ")" + std::string(HubServer::kCommit) +
                                R"(", "siblings": [{"rfilename": "m-Q4_0.gguf", "size": 70000000000000, "blobId": ")" +
                                std::string(40, 'a') + "\"}]}");
  const std::string error = Error();
  EXPECT_EQ(error.substr(0, 2), "4:") << error;
  EXPECT_EQ(server_.seen().size(), 1u);
}

TEST_F(PullTest, KeepsQuantizationsSideBySide) {
  server_.Add("lab/gguf", "m-Q4_K_M.gguf", "four bits", true);
  server_.Add("lab/gguf", "m-Q8_0-00001-of-00002.gguf", "eight", true);
  server_.Add("lab/gguf", "m-Q8_0-00002-of-00002.gguf", "bits", true);
  options_.model = *ParseModelName("lab/gguf");
  Pull(options_);
  EXPECT_EQ(ResolveModel("lab/gguf", store_.path()).filename(), "m-Q4_K_M.gguf");
  options_.model = *ParseModelName("lab/gguf:q8_0");
  EXPECT_EQ(Pull(options_).files.size(), 2u);
  EXPECT_EQ(ResolveModel("lab/gguf:Q8_0", store_.path()).filename(), "m-Q8_0-00001-of-00002.gguf");
  EXPECT_EQ(ResolveModel("lab/gguf:Q4_K_M", store_.path()).filename(), "m-Q4_K_M.gguf");
  EXPECT_EQ(ReadStoreManifest(store_.path() / "models/lab/gguf")->size(), 3u);
}

TEST_F(PullTest, ReplacesWhatAnotherCommitHad) {
  Pull(options_);
  store_.Write(InModel("mine.safetensors"), "mine");
  HubServer later;
  later.Add(kRepo, "config.json", config_, false);
  later.Add(kRepo, "model.safetensors.index.json", "{}", false);
  later.Add(kRepo, "model-00001-of-00001.safetensors", "shard", true);
  options_.fetch.transfer.http.endpoint = later.url();
  later.Fail("model-00001-of-00001.safetensors", {.status = 404});
  EXPECT_NE(Error().find("404"), std::string::npos);
  EXPECT_NE(ErrorOf([&] { ResolveModel(kRepo, store_.path()); }).find("broken off"), std::string::npos);
  Pull(options_);
  const FileSums manifest = *ReadStoreManifest(store_.path() / "models/lab/tiny");
  EXPECT_EQ(manifest.size(), 3u);
  EXPECT_FALSE(manifest.contains(kWeights));
  EXPECT_TRUE(store_.Read(InModel(kWeights)) == "(none)");
  EXPECT_EQ(store_.Read(InModel("mine.safetensors")), "mine");
}

TEST_F(PullTest, StopsWhenAskedAndGoesOnLater) {
  server_.Fail(kWeights, {.stall_after = 150'000, .stall_ms = 5'000});
  options_.fetch.transfer.http.stall_ms = 30'000;
  int64_t arrived = 0;
  options_.fetch.progress = [&](int64_t done, int64_t total) {
    arrived = done;
    EXPECT_EQ(total, static_cast<int64_t>(config_.size() + weights_.size()));
  };
  options_.fetch.stop = [&] { return arrived >= 150'000 + static_cast<int64_t>(config_.size()); };
  EXPECT_EQ(Error().substr(0, 4), "130:");
  EXPECT_EQ(fs::file_size(store_.path() / InModel("model.safetensors.part")), 150'000u);
  ExpectNoWeights();
  options_.fetch.stop = nullptr;
  options_.fetch.progress = nullptr;
  EXPECT_EQ(Pull(options_).fetched_bytes, 250'000);
  EXPECT_EQ(Asked().back().range, "bytes=150000-");
  ExpectWhole();
}

TEST_F(PullTest, ChecksTheEndpoint) {
  for (const char* endpoint :
       {"", "file:///etc", "ftp://127.0.0.1/", "https://user:secret@127.0.0.1", "http://x/?q=1"}) {
    options_.fetch.transfer.http.endpoint = endpoint;
    const std::string error = Error();
    EXPECT_EQ(error.substr(0, 13), "2: --endpoint") << error;
    EXPECT_EQ(error.find("secret"), std::string::npos);
  }
  options_.fetch.transfer.http.endpoint = server_.url() + "//";
  EXPECT_EQ(Error(), "done");
}

TEST_F(PullTest, TheDemoModelArrivesWhole) {
  const fs::path demo = fs::path(SPATE_SOURCE_DIR) / "models" / "demo";
  for (const auto& entry : fs::directory_iterator(demo)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    server_.Add("lab/demo", entry.path().filename(), bytes, bytes.size() > 1'000'000);
  }
  server_.Fail(kWeights, {.break_after = 3'000'000});
  options_.model = *ParseModelName("lab/demo");
  Pull(options_);
  const fs::path path = ResolveModel("lab/demo", store_.path());
  int files = 0;
  for (const auto& entry : fs::directory_iterator(path)) {
    const std::string name = entry.path().filename();
    if (name == kManifestName) continue;
    ++files;
    EXPECT_EQ(ReadTextFile(entry.path().string(), 1 << 26), ReadTextFile((demo / name).string(), 1 << 26)) << name;
  }
  EXPECT_GE(files, 5);  // config, tokenizer with its settings, chat template, weights
  EXPECT_FALSE(fs::exists(path / "README.md"));
}

}  // namespace
}  // namespace spate
