#include "convert/pull/manifest.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "convert/pull/safe_name.h"

namespace spate {
namespace {

const std::string kSum(64, 'a');

std::string Refusal(const std::string& text) {
  try {
    ParseManifest(text, "m");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadInput);
    return error.what();
  }
  return "";
}

TEST(Manifest, WhatIsWrittenIsRead) {
  Manifest manifest;
  manifest.files["config.json"] = {651, kSum};
  manifest.files["onnx/model \xc3\xa9.bin"] = {0, std::string(64, '0')};
  const Manifest read = ParseManifest(FormatManifest(manifest), "m");
  EXPECT_EQ(read.files, manifest.files);
  EXPECT_TRUE(read.complete);
}

TEST(Manifest, SaysWhetherItIsComplete) {
  EXPECT_FALSE(ParseManifest(FormatManifest({.files = {{"a.gguf", {1, kSum}}}, .complete = false}), "m").complete);
  EXPECT_NE(Refusal(R"({"format": "spate-manifest", "version": 1, "files": {}, "complete": 1})"), "");
}

TEST(Manifest, ListsOfSha256sum) {
  const std::string text = kSum + "  a.gguf\n" + std::string(64, 'B') + " *./sub/b c.bin\r\n\n";
  const Manifest manifest = ParseManifest(text, "m");
  ASSERT_EQ(manifest.files.size(), 2u);
  EXPECT_EQ(manifest.files.at("a.gguf"), (FileSum{-1, kSum}));
  EXPECT_EQ(manifest.files.at("sub/b c.bin").sha256, std::string(64, 'b'));
  EXPECT_FALSE(manifest.complete);
}

TEST(Manifest, NamesStayInsideTheFolder) {
  for (const char* name : {"a", "a/b", "..a", "a..", "a b"}) EXPECT_TRUE(IsSafeName(name)) << name;
  for (const char* name :
       {"", "/a", "../a", "a/../b", "a/..", "./a", "a//b", "a/", ".", "..", "a\\b", "a\nb", "\xff"}) {
    EXPECT_FALSE(IsSafeName(name)) << name;
  }
  EXPECT_FALSE(IsSafeName(std::string(513, 'a')));
  EXPECT_FALSE(IsSafeName(std::string_view("a\0b", 3)));
  EXPECT_NE(Refusal(kSum + "  ../../etc/passwd\n"), "");
  EXPECT_NE(Refusal(fmt::format(R"({{"format": "spate-manifest", "version": 1, "files": {{"/etc/passwd": {{"size": 1,
      "sha256": "{}"}}}}}})",
                                kSum)),
            "");
}

TEST(Manifest, WhatIsNone) {
  EXPECT_EQ(Refusal(""), "m: names no file");
  EXPECT_EQ(Refusal("abc  a"), "m: line 1: expected a SHA-256 sum, two spaces and a name");
  EXPECT_EQ(Refusal(kSum), "m: line 1: expected a SHA-256 sum, two spaces and a name");
  EXPECT_EQ(Refusal(kSum + "  a\n" + kSum + "  a\n"), "m: names \"a\" twice");
  EXPECT_EQ(Refusal(fmt::format(R"({{"format": "spate-manifest", "version": 1, "files": {{
      "a/b": {{"size": 1, "sha256": "{0}"}}, "a/b": {{"size": 2, "sha256": "{0}"}}}}}})",
                                kSum)),
            "m: names \"a/b\" twice");
  EXPECT_NE(Refusal("{}"), "");
  EXPECT_NE(Refusal(R"({"format": "spate-manifest", "version": 2, "files": {}})"), "");
  EXPECT_NE(Refusal(R"({"format": "spate-manifest", "version": 1, "files": {"a": {"size": 1, "sha256": "x"}}})"), "");
  EXPECT_NE(Refusal(R"({"format": "spate-manifest", "version": 1, "files": {"a": 3}})"), "");
  std::string many;
  for (size_t i = 0; i <= kMaxManifestFiles; ++i) many += fmt::format("{}  f{}\n", kSum, i);
  EXPECT_NE(Refusal(many).find("more than 20000 files"), std::string::npos);
}

}  // namespace
}  // namespace spate
