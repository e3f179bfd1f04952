#include "convert/pull/hub_listing.h"

#include <gtest/gtest.h>

#include "convert/pull/hub_server_for_test.h"

namespace spate {
namespace {

const std::string kSha1(40, 'a');
const std::string kSha256(64, 'b');

std::string ListingOf(const std::string& entry) {
  return R"({"sha": "0123456789abcdef0123456789abcdef01234567", "siblings": [)" + entry + "]}";
}

std::string Entry(const std::string& name) {
  return R"({"rfilename": ")" + name + R"(", "size": 5, "blobId": ")" + kSha1 + R"("})";
}

std::string Refusal(const std::string& json) {
  return ErrorOf([&] { ParseHubListing(json, "hub"); });
}

TEST(HubListing, ReadsSmallAndLargeFiles) {
  const HubListing listing = ParseHubListing(
      ListingOf(Entry("config.json") + R"(, {"rfilename": "model.safetensors", "size": 7, "blobId": ")" + kSha1 +
                R"(", "lfs": {"sha256": ")" + kSha256 + R"(", "size": 7, "pointerSize": 1}})"),
      "hub");
  EXPECT_EQ(listing.commit, "0123456789abcdef0123456789abcdef01234567");
  ASSERT_EQ(listing.files.size(), 2u);
  EXPECT_EQ(listing.files[0].name, "config.json");
  EXPECT_EQ(listing.files[0].git_sha1, kSha1);
  EXPECT_EQ(listing.files[0].sha256, "");
  EXPECT_EQ(listing.files[1].size, 7);
  EXPECT_EQ(listing.files[1].sha256, kSha256);
}

TEST(HubListing, RefusesNamesThatLeaveTheFolder) {
  for (const char* name : {"../config.json", "a/../../b.json", "/etc/passwd", "a//b", "a/", "", ".", "..", "./a",
                           "a\\\\b", "line\\nbreak", "nul\\u0000", "escape\\u001b[2J", "del\\u007f"}) {
    EXPECT_NE(Refusal(ListingOf(Entry(name))).find("5: hub: "), std::string::npos) << name;
  }
  EXPECT_NE(Refusal(ListingOf(Entry(std::string(2000, 'x')))).find("5: "), std::string::npos);
  EXPECT_EQ(Refusal(ListingOf(Entry("a b/größe...json"))), "done");
}

TEST(HubListing, RefusesWhatIsNotAListing) {
  EXPECT_NE(Refusal("<html>").find("5: hub"), std::string::npos);
  EXPECT_NE(Refusal("[]").find("5: hub"), std::string::npos);
  EXPECT_NE(Refusal(R"({"sha": "main", "siblings": []})").find("sha: expected"), std::string::npos);
  EXPECT_NE(Refusal(R"({"sha": ")" + kSha1 + R"("})").find("siblings"), std::string::npos);
  EXPECT_NE(Refusal(ListingOf(Entry("a") + "," + Entry("a"))).find("listed twice"), std::string::npos);
  EXPECT_NE(Refusal(ListingOf(R"({"rfilename": "a", "size": -1, "blobId": ")" + kSha1 + "\"}")).find("size"),
            std::string::npos);
  EXPECT_NE(Refusal(ListingOf(R"({"rfilename": "a", "size": 1})")).find("blobId"), std::string::npos);
  EXPECT_NE(Refusal(ListingOf(R"({"rfilename": "a", "size": 1, "blobId": "../x"})")).find("sum"), std::string::npos);
}

}  // namespace
}  // namespace spate
