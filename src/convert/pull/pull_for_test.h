// A repository on a test server, a store, and options whose waits are short.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "convert/pull/hub_server_for_test.h"
#include "convert/pull/pull.h"

namespace spate {

class PullTest : public ::testing::Test {
 protected:
  static constexpr const char* kRepo = "lab/tiny";
  static constexpr const char* kWeights = "model.safetensors";

  PullTest() {
    server_.Add(kRepo, "config.json", config_, false);
    server_.Add(kRepo, kWeights, weights_, true);
    server_.Add(kRepo, "README.md", "read me", false);
    options_.model = *ParseModelName(kRepo);
    options_.store = store_.path();
    TransferOptions& transfer = options_.fetch.transfer;
    transfer.http.endpoint = server_.url();
    transfer.http.stall_ms = 2'000;
    transfer.tries = 3;
    transfer.first_wait_ms = 1;
    transfer.longest_asked_wait_s = 1;
  }

  std::string Error() {
    return ErrorOf([&] { Pull(options_); });
  }
  std::string InModel(const std::string& name) const { return "models/lab/tiny/" + name; }
  // The model is whole, with nothing else beside it.
  void ExpectWhole() const {
    EXPECT_EQ(store_.Read(InModel("config.json")), config_);
    EXPECT_TRUE(store_.Read(InModel(kWeights)) == weights_);
    EXPECT_EQ(store_.Names(), (std::vector<std::string>{"models/lab/.tiny.lock", InModel("config.json"),
                                                        InModel(kWeights), InModel(std::string(kManifestName))}));
  }
  // Neither weights nor a manifest that says so.
  void ExpectNoWeights() const {
    EXPECT_TRUE(store_.Read(InModel(kWeights)) == "(none)");
    EXPECT_EQ(store_.Read(InModel(std::string(kManifestName))), "(none)");
  }
  // Requests for the weights.
  std::vector<SeenRequest> Asked() const {
    std::vector<SeenRequest> asked = server_.seen();
    std::erase_if(asked, [](const SeenRequest& r) { return !r.path.ends_with(kWeights); });
    return asked;
  }

  const std::string config_ = R"({"model_type": "llama"})";
  const std::string weights_ = RandomBytes(400'000, 7);
  HubServer server_;
  TestFolder store_;
  PullOptions options_;
};

}  // namespace spate
