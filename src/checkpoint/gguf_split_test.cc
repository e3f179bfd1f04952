#include "checkpoint/gguf_split.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "checkpoint/gguf_writer_for_test.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

class GgufFolder : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path Write(const std::string& name, const GgufWriter& writer) const {
    const std::string bytes = writer.Finish();
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }
  std::string OpenMessage(const std::string& name) const {
    try {
      OpenGguf(folder_ / name);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadInput);
      return error.what();
    }
    return "accepted";
  }
  fs::path folder_ = fs::temp_directory_path() / fmt::format("spate-gguf-test-{}", getpid());
};

// Part `number` of `parts`, with a tensor of the name given unless that is empty.
GgufWriter Part(int number, int parts, const std::string& tensor, int tensors_in_all) {
  GgufWriter w;
  if (number == 0) w.String("general.architecture", "llama");
  w.Value("split.no", GgufType::kU16, static_cast<uint16_t>(number));
  w.Value("split.count", GgufType::kU16, static_cast<uint16_t>(parts));
  w.Value("split.tensors.count", GgufType::kI32, tensors_in_all);
  if (!tensor.empty()) w.Tensor(tensor, {4}, 0, 16);
  return w;
}

TEST_F(GgufFolder, OneFile) {
  GgufWriter w;
  w.Tensor("t", {4, 2}, 0, 32);
  OpenedGguf opened = OpenGguf(Write("model.gguf", w));
  const auto checkpoint = MakeCheckpoint(&opened);
  EXPECT_EQ(checkpoint->bytes(), 32);
  EXPECT_EQ(checkpoint->Find("t")->shape, (Shape{2, 4}));
  EXPECT_EQ(checkpoint->Find("t")->bytes.data(), opened.file.Find("t")->bytes.data());
}

TEST_F(GgufFolder, AnyPartOpensAll) {
  Write("m-00001-of-00003.gguf", Part(0, 3, "", 2));
  Write("m-00002-of-00003.gguf", Part(1, 3, "b", 2));
  Write("m-00003-of-00003.gguf", Part(2, 3, "a", 2));
  for (const char* name : {"m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"}) {
    OpenedGguf opened = OpenGguf(folder_ / name);
    EXPECT_EQ(opened.file.metadata.GetString("general.architecture", {}), "llama");
    const auto checkpoint = MakeCheckpoint(&opened);
    EXPECT_EQ(checkpoint->Names(), (std::vector<std::string_view>{"a", "b"}));
    EXPECT_EQ(std::to_integer<int>(checkpoint->Find("a")->bytes[15]), 15);
  }
}

TEST_F(GgufFolder, RefusesPartsThatDoNotBelongTogether) {
  const std::string one = "m-00001-of-00002.gguf", two = "m-00002-of-00002.gguf";
  Write(one, Part(0, 2, "a", 2));
  EXPECT_NE(OpenMessage(one).find(two), std::string::npos) << OpenMessage(one);  // missing
  Write(two, Part(1, 2, "b", 2));
  EXPECT_EQ(OpenMessage(one), "accepted");
  Write(two, Part(0, 2, "b", 2));
  EXPECT_NE(OpenMessage(one).find("split.no: expected 1"), std::string::npos) << OpenMessage(one);
  Write(two, Part(1, 3, "b", 2));
  EXPECT_NE(OpenMessage(one).find("split.count: expected 2"), std::string::npos) << OpenMessage(one);
  Write(two, Part(1, 2, "a", 2));
  EXPECT_NE(OpenMessage(one).find("\"a\" is in an earlier part"), std::string::npos) << OpenMessage(one);
  Write(two, Part(1, 2, "", 2));
  EXPECT_NE(OpenMessage(one).find("expected 2 tensors in all parts, got 1"), std::string::npos) << OpenMessage(one);
  Write("model.gguf", Part(0, 2, "a", 2));
  EXPECT_NE(OpenMessage("model.gguf").find("names must end in -00001-of-00002.gguf"), std::string::npos);
  Write("m-00001-of-65535.gguf", Part(0, 65535, "a", 2));
  EXPECT_NE(OpenMessage("m-00001-of-65535.gguf").find("at most 4096"), std::string::npos);
}

}  // namespace
}  // namespace spate
