#include "checkpoint/safetensors.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "checkpoint/checkpoint.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

std::string File(const std::string& header, size_t data_bytes, uint64_t claimed = UINT64_MAX) {
  const uint64_t size = claimed == UINT64_MAX ? header.size() : claimed;
  std::string file(8, '\0');
  std::memcpy(file.data(), &size, 8);
  file += header;
  for (size_t i = 0; i < data_bytes; ++i) file += static_cast<char>(i);
  return file;
}

TensorMap Parse(const std::string& file) {
  return ParseSafetensors({reinterpret_cast<const std::byte*>(file.data()), file.size()}, "x.safetensors");
}

std::string Message(const std::string& file) {
  try {
    Parse(file);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadInput);
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).rfind("x.safetensors", 0), 0u) << error.what();
    return error.what();
  }
  return "accepted";
}

TEST(Safetensors, ReadsTensorsInPlace) {
  const std::string file = File(
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2,3],"data_offsets":[8,20]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"empty":{"dtype":"F32","shape":[0,4],"data_offsets":[20,20]}})",
      20);
  const TensorMap tensors = Parse(file);
  ASSERT_EQ(tensors.size(), 3u);
  const TensorView& b = tensors.at("b");
  EXPECT_EQ(b.dtype, DType::kBF16);
  EXPECT_EQ(b.shape, (Shape{2, 3}));
  EXPECT_EQ(b.bytes.size(), 12u);
  EXPECT_EQ(std::to_integer<int>(b.bytes[0]), 8);
  EXPECT_EQ(reinterpret_cast<const char*>(b.bytes.data() + b.bytes.size()), file.data() + file.size());
  EXPECT_EQ(tensors.at("empty").bytes.size(), 0u);
}

struct BadCase {
  const char* name;
  std::string file;
  const char* expected;  // part of the message
};

TEST(Safetensors, RefusesWhatIsNotExactlyRight) {
  const std::string good = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  const std::vector<BadCase> cases = {
      {"empty", "", "0 bytes"},
      {"seven bytes", "1234567", "7 bytes"},
      {"header beyond file", File(good, 8, 1000), "truncated"},
      {"header near 2^64", File(good, 8, UINT64_MAX - 3), "claims"},
      {"header of 2^63", File(good, 8, uint64_t{1} << 63), "claims"},
      {"header not JSON", File("{\"a\":", 8), "header"},
      {"header not an object", File("[1]", 8), "object"},
      {"no tensors", File("{}", 0), "no tensors"},
      {"truncated data", File(good, 7), "truncated"},
      {"surplus data", File(good, 9), "holds 9"},
      {"unknown dtype", File(R"({"a":{"dtype":"F7","shape":[2],"data_offsets":[0,8]}})", 8), "dtype \"F7\""},
      {"dtype not a string", File(R"({"a":{"dtype":7,"shape":[2],"data_offsets":[0,8]}})", 8), "dtype 7"},
      {"missing field", File(R"({"a":{"dtype":"F32","data_offsets":[0,8]}})", 8), "missing"},
      {"negative dimension", File(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8), "shape"},
      {"fractional dimension", File(R"({"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}})", 8), "shape"},
      {"overflowing shape", File(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,8]}})", 8),
       "overflows"},
      {"overflow hidden by zero",
       File(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296,0],"data_offsets":[0,8]}})", 8),
       "overflows"},
      {"too many dimensions", File(R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})", 1),
       "at most 8"},
      {"size does not match shape", File(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8),
       "needs 12 bytes"},
      {"offsets reversed", File(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8), "data_offsets"},
      {"offsets near 2^64",
       File(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[18446744073709551608,18446744073709551615]}})", 8),
       "leave"},
      {"offsets too large for 64 bits",
       File(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,18446744073709551616]}})", 8), "whole number"},
      {"one offset", File(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", 8), "[begin, end]"},
      {"overlap",
       File(
           R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
           12),
       "inside the tensor before it"},
      {"hole",
       File(
           R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}})",
           20),
       "nothing covers"},
      {"misaligned",
       File(
           R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"F32","shape":[2],"data_offsets":[3,11]}})",
           11),
       "not aligned"},
      {"deep nesting", File(std::string(100'000, '['), 0), "header"},
      {"entry not an object", File(R"({"a":[]})", 0), "object"},
  };
  for (const BadCase& c : cases) {
    EXPECT_NE(Message(c.file).find(c.expected), std::string::npos) << c.name << ": " << Message(c.file);
  }
}

TEST(Safetensors, NamesInMessagesAreShortAndPrintable) {
  const std::string name(5000, 'x');
  const std::string message =
      Message(File("{\"" + name + "\\u0001\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4));
  EXPECT_LT(message.size(), 300u);
  EXPECT_EQ(Message(File("{\"a\\u001b[2J\":[]}", 0)).find('\033'), std::string::npos);
}

TEST(SafetensorsIndex, ReadsAndRefuses) {
  const SafetensorsIndex index = ParseSafetensorsIndex(
      R"({"metadata":{"total_size":1.2e3},"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors"}})", "i");
  EXPECT_EQ(index.total_size, 1200);
  EXPECT_EQ(index.weight_map.at("b"), "m-2.safetensors");
  for (const char* bad :
       {R"({})", R"([])", R"({"weight_map":{}})", R"({"weight_map":{"a":1}})", R"({"weight_map":{"a":"../x"}})",
        R"({"weight_map":{"a":"/etc/passwd"}})", R"({"weight_map":{"a":".."}})", R"({"weight_map":{"a":""}})",
        R"({"weight_map":{"a":"b\\c"}})", R"({"weight_map":{"a":"b\u0000c"}})",
        R"({"weight_map":{"a":"b"},"metadata":{"total_size":-1}})",
        R"({"weight_map":{"a":"b"},"metadata":{"total_size":"x"}})"}) {
    EXPECT_THROW(ParseSafetensorsIndex(bad, "index"), Error) << bad;
  }
}

class CheckpointFolder : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
  void Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  std::string OpenMessage() const {
    try {
      OpenCheckpoint(folder_);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }
  fs::path folder_ = fs::temp_directory_path() / fmt::format("spate-checkpoint-test-{}", getpid());
};

const char* const kA = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
const char* const kB =
    R"({"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"extra":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})";

TEST_F(CheckpointFolder, OneFile) {
  Write("model.safetensors", File(kA, 8));
  const auto checkpoint = OpenCheckpoint(folder_);
  EXPECT_EQ(checkpoint->bytes(), 8);
  ASSERT_NE(checkpoint->Find("a"), nullptr);
  EXPECT_EQ(checkpoint->Find("b"), nullptr);
  const TensorView& a = *checkpoint->Find("a");
  const std::span<const std::byte> plan[] = {a.bytes};
  checkpoint->PlanStream(plan, ReadMode::kBuffers);
  const LoadedRows loaded = LoadRows(checkpoint->Stream(a), 0, 1);
  EXPECT_NE(loaded.rows.data, a.bytes.data());  // a copy
  EXPECT_EQ(std::memcmp(loaded.rows.data, a.bytes.data(), 8), 0);
  checkpoint->ThrowIfFailed();
  checkpoint->Release(*checkpoint->Find("a"));
  EXPECT_EQ(std::to_integer<int>(checkpoint->Find("a")->bytes[7]), 7);  // released pages come back
}

TEST_F(CheckpointFolder, Shards) {
  Write("1.safetensors", File(kA, 8));
  Write("2.safetensors", File(kB, 8));
  Write("model.safetensors.index.json",
        R"({"metadata":{"total_size":12},"weight_map":{"a":"1.safetensors","b":"2.safetensors"}})");
  const auto checkpoint = OpenCheckpoint(folder_);
  EXPECT_EQ(checkpoint->bytes(), 12);
  EXPECT_EQ(checkpoint->Names(), (std::vector<std::string_view>{"a", "b"}));
}

TEST_F(CheckpointFolder, ShardsThatDoNotFitTheirIndex) {
  EXPECT_NE(OpenMessage().find("no weights"), std::string::npos);
  Write("1.safetensors", File(kA, 8));
  Write("model.safetensors.index.json", R"({"weight_map":{"a":"1.safetensors","b":"2.safetensors"}})");
  EXPECT_NE(OpenMessage().find("2.safetensors"), std::string::npos) << OpenMessage();
  Write("2.safetensors", File(kA, 8));
  EXPECT_NE(OpenMessage().find("b (in 2.safetensors)"), std::string::npos) << OpenMessage();
  Write("2.safetensors", File(kB, 8));
  EXPECT_EQ(OpenMessage(), "accepted");
  Write("model.safetensors.index.json",
        R"({"metadata":{"total_size":13},"weight_map":{"a":"1.safetensors","b":"2.safetensors"}})");
  EXPECT_NE(OpenMessage().find("says 13 bytes, the shards hold 12"), std::string::npos) << OpenMessage();
}

TEST_F(CheckpointFolder, ShardsMayNotBeLinksOutOfTheFolder) {
  const fs::path model = folder_ / "snapshots" / "1";
  fs::create_directories(model);
  fs::create_directory(folder_ / "blobs");
  Write("snapshots/1/model.safetensors.index.json", R"({"weight_map":{"a":"1.safetensors"}})");
  Write("outside", File(kA, 8));
  Write("blobs/abc", File(kA, 8));
  Write("snapshots/1/inside", File(kA, 8));
  const auto linked_to = [&](const fs::path& target) {
    fs::remove(model / "1.safetensors");
    fs::create_symlink(target, model / "1.safetensors");
    try {
      OpenCheckpoint(model);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadInput);
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(linked_to("inside"), "accepted");
  EXPECT_EQ(linked_to("../../blobs/abc"), "accepted");  // as the Hugging Face cache lies
  EXPECT_NE(linked_to("../../outside").find("a link out of the folder"), std::string::npos);
  EXPECT_NE(linked_to(fs::absolute(folder_ / "outside")).find("a link out of the folder"), std::string::npos);
  EXPECT_NE(linked_to("/etc/passwd").find("a link out of the folder, to /etc/passwd"), std::string::npos);
  EXPECT_NE(linked_to("nothing").find("no such file"), std::string::npos) << linked_to("nothing");
  EXPECT_NE(linked_to("1.safetensors").find("cannot open"), std::string::npos) << linked_to("1.safetensors");
}

}  // namespace
}  // namespace spate
