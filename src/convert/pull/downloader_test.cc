#include "convert/pull/downloader.h"

#include <chrono>

#include "convert/pull/pull_for_test.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

class DownloaderTest : public PullTest {};

TEST_F(DownloaderTest, GoesOnWhereAConnectionBroke) {
  server_.Fail(kWeights, {.break_after = 100'000});
  server_.Fail(kWeights, {.break_after = 50'000});
  server_.Fail(kWeights, {.break_after = 1});
  server_.Fail(kWeights, {.no_length = true, .break_after = 9});
  Pull(options_);
  ExpectWhole();
  const auto asked = Asked();
  ASSERT_EQ(asked.size(), 5u);
  EXPECT_EQ(asked[0].range, "");
  EXPECT_EQ(asked[1].range, "bytes=100000-");
  EXPECT_EQ(asked[1].if_range, "\"" + GitSha1(weights_) + "\"");
  EXPECT_EQ(asked[4].range, "bytes=150010-");
}

TEST_F(DownloaderTest, GivesUpWhereNothingArrives) {
  for (int i = 0; i < 3; ++i) server_.Fail(kWeights, {.break_after = 0});
  std::vector<std::string> told;
  options_.fetch.at_once = 1;
  options_.fetch.transfer.retrying = [&](const std::string& line) { told.push_back(line); };
  EXPECT_NE(Error().find("3 times in a row; what arrived is kept, try again later"), std::string::npos);
  ASSERT_EQ(told.size(), 2u);
  const std::string weights = server_.url() + ": lab/tiny: " + kWeights;
  EXPECT_EQ(told[0].substr(0, weights.size()), weights);
  EXPECT_NE(told[0].find("trying again in 0.001 s, 2 of 3 attempts left"), std::string::npos) << told[0];
  options_.fetch.transfer.retrying = nullptr;
  ExpectNoWeights();
  Pull(options_);
  ExpectWhole();
  options_.fetch.transfer.http.endpoint = "http://127.0.0.1:1";  // nobody listens
  EXPECT_NE(Error().find("5: http://127.0.0.1:1: lab/tiny: "), std::string::npos);
}

TEST_F(DownloaderTest, BeginsAnewWithServersThatKnowNoRanges) {
  server_.Fail(kWeights, {.break_after = 100'000});
  server_.Fail(kWeights, {.ignore_range = true, .break_after = 200'000});
  server_.Fail(kWeights, {.ignore_range = true});
  Pull(options_);
  ExpectWhole();
  // Always as far: an end, not a loop.
  store_.Write(InModel(kWeights), "x");
  for (int i = 0; i < 9; ++i) server_.Fail(kWeights, {.ignore_range = true, .break_after = 100'000});
  EXPECT_NE(Error().find("times in a row"), std::string::npos);
}

TEST_F(DownloaderTest, RefusesAFileThatChangedUnderTheRange) {
  server_.Fail(kWeights, {.break_after = 100'000});
  server_.Fail(kWeights, {.body = RandomBytes(weights_.size(), 9)});  // another ETag: all of it comes
  const std::string error = Error();
  EXPECT_NE(error.find("expected " + Sha256Of(weights_)), std::string::npos) << error;
  ExpectNoWeights();
}

TEST_F(DownloaderTest, DeletesWhatHasTheWrongSum) {
  options_.fetch.at_once = 1;  // a transfer that was given up might take the next one's fault
  server_.Fail(kWeights, {.body = RandomBytes(weights_.size(), 9)});
  const std::string error = Error();
  EXPECT_EQ(error.substr(0, 2), "5:");
  EXPECT_NE(error.find("SHA-256"), std::string::npos);
  EXPECT_NE(error.find("got " + Sha256Of(RandomBytes(weights_.size(), 9))), std::string::npos);
  ExpectNoWeights();
  EXPECT_TRUE(store_.Read(InModel("model.safetensors.part")) == "(none)");

  fs::remove(store_.path() / InModel("config.json"));
  server_.Fail("config.json", {.body = std::string(config_.size(), '{')});
  EXPECT_NE(Error().find("git SHA-1"), std::string::npos);
  EXPECT_EQ(store_.Read(InModel("config.json")), "(none)");
  Pull(options_);
  ExpectWhole();
}

TEST_F(DownloaderTest, RefusesOtherLengths) {
  server_.Fail(kWeights, {.announce = 399'999});
  EXPECT_NE(Error().find("announces 399999 bytes, expected 400000"), std::string::npos);
  server_.Fail(kWeights, {.announce = 500'000});
  EXPECT_NE(Error().find("announces 500000 bytes, expected 400000"), std::string::npos);
  server_.Fail(kWeights, {.no_length = true, .body = weights_ + "x"});
  EXPECT_NE(Error().find("sends more than the 400000 bytes"), std::string::npos);
  ExpectNoWeights();
}

TEST_F(DownloaderTest, APartThatIsTooLongOrWrongIsNoTrap) {
  store_.Write(InModel("model.safetensors.part"), weights_ + "more");
  Pull(options_);
  ExpectWhole();
  fs::remove(store_.path() / InModel(kWeights));
  store_.Write(InModel("model.safetensors.part"), "wrong");
  EXPECT_NE(Error().find("what arrived was deleted"), std::string::npos);
  Pull(options_);
  ExpectWhole();
}

TEST_F(DownloaderTest, NamesStatuses) {
  server_.Fail("/revision/main", {.status = 404});
  EXPECT_NE(Error().find("no such repository"), std::string::npos);
  server_.Fail(kWeights, {.status = 404});
  EXPECT_NE(Error().find(std::string(kWeights) + ": the server answered 404"), std::string::npos);
  server_.Fail("/revision/main", {.status = 418});
  EXPECT_NE(Error().find("answered 418"), std::string::npos);
  server_.Fail(kWeights, {.status = 500});
  server_.Fail(kWeights, {.status = 503});
  EXPECT_EQ(Error(), "done");
  for (int i = 0; i < 3; ++i) server_.Fail("/revision/main", {.status = 500});
  EXPECT_NE(Error().find("answered 500, 3 times in a row; try again later"), std::string::npos);
}

TEST_F(DownloaderTest, WaitsAsLongAsAskedWithinReason) {
  server_.Fail(kWeights, {.status = 429, .headers = "Retry-After: 1\r\n"});
  const auto start = std::chrono::steady_clock::now();
  Pull(options_);
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
  server_.Fail("/revision/main", {.status = 429, .headers = "Retry-After: 4000\r\n"});
  EXPECT_NE(Error().find("come back in 4000 s"), std::string::npos);
}

TEST_F(DownloaderTest, LeavesAConnectionThatStandsStill) {
  options_.fetch.transfer.http.stall_ms = 300;
  server_.Fail(kWeights, {.stall_after = 100'000, .stall_ms = 20'000});
  server_.Fail(kWeights, {.stall_after = 0, .stall_ms = 20'000});
  const auto start = std::chrono::steady_clock::now();
  Pull(options_);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(8));
  ExpectWhole();
  EXPECT_EQ(Asked().back().range, "bytes=100000-");
  options_.fetch.transfer.tries = 1;
  server_.Fail("/revision/main", {.stall_after = 0, .stall_ms = 20'000});
  EXPECT_NE(Error().find("less than 30000 bytes arrived in 0.3 s"), std::string::npos);
}

TEST_F(DownloaderTest, AsksForATokenAndSendsItHomeOnly) {
  server_.RequireToken("secret");
  EXPECT_NE(Error().find("set HF_TOKEN"), std::string::npos);
  options_.fetch.transfer.http.token = "other";
  const std::string error = Error();
  EXPECT_NE(error.find("this HF_TOKEN may not read it"), std::string::npos);
  EXPECT_EQ(error.find("other,"), std::string::npos);

  HubServer cdn;
  cdn.AddPath("/blob", weights_);
  options_.fetch.transfer.http.token = "secret";
  server_.Fail(kWeights, {.status = 302, .headers = "Location: " + cdn.url() + "/blob?signed\r\n"});
  Pull(options_);
  ExpectWhole();
  ASSERT_EQ(cdn.seen().size(), 1u);
  EXPECT_EQ(cdn.seen()[0].authorization, "");
  EXPECT_EQ(Asked().back().authorization, "Bearer secret");
}

TEST_F(DownloaderTest, FollowsRedirectsWithinReason) {
  server_.RequireToken("secret");
  options_.fetch.transfer.http.token = "secret";
  server_.Fail("lab/tiny/revision/main", {.status = 307, .headers = "Location: /api/models/lab/tiny/revision/now\r\n"});
  EXPECT_EQ(Error(), "done");  // on the same host, with the token

  for (const char* target :
       {"file:///etc/passwd", "ftp://127.0.0.1/x", "http://user:pass@127.0.0.1/x", "gopher://x/"}) {
    server_.Fail("/revision/main", {.status = 302, .headers = "Location: " + std::string(target) + "\r\n"});
    const std::string error = Error();
    EXPECT_NE(error.find("redirect: "), std::string::npos) << error;
    EXPECT_EQ(error.find("pass@"), std::string::npos);
  }
  for (int i = 0; i < 9; ++i) {
    server_.Fail("/revision/main", {.status = 302, .headers = "Location: /api/models/lab/tiny/revision/main\r\n"});
  }
  EXPECT_NE(Error().find("more than 8 redirects"), std::string::npos);
}

TEST_F(DownloaderTest, AsksForAFreshAddressWhenOneRanOut) {
  HubServer cdn;
  cdn.AddPath("/blob", weights_);
  cdn.Fail("/blob", {.status = 403});
  const HubFault redirect{.status = 302, .headers = "Location: " + cdn.url() + "/blob\r\n"};
  server_.Fail(kWeights, redirect);
  server_.Fail(kWeights, redirect);
  Pull(options_);
  ExpectWhole();
}

TEST_F(DownloaderTest, BoundsTheListing) {
  server_.SetListing(kRepo, std::string(kMaxListingBytes + 1, ' '));
  EXPECT_NE(Error().find("more than 33554432 bytes"), std::string::npos);
}

}  // namespace
}  // namespace spate
