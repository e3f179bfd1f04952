#include "base/npy.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <random>

#include "base/error.h"
#include "base/mmap_file.h"

namespace spate {
namespace {

std::string TempPath() {
  std::string pattern = (std::filesystem::temp_directory_path() / "spate_npy_XXXXXX").string();
  const int fd = mkstemp(pattern.data());
  EXPECT_GE(fd, 0);
  close(fd);
  return pattern;
}

// A file's bytes: magic, version, header length, header, values.
std::string Npy(const std::string& header, const std::string& values, std::string magic = {"\x93NUMPY\x01\x00", 8}) {
  magic.push_back(static_cast<char>(header.size() & 255));
  magic.push_back(static_cast<char>(header.size() >> 8));
  return magic + header + values;
}

NpyArray Parse(const std::string& bytes) { return ParseNpy(std::as_bytes(std::span(bytes)), "x.npy"); }

std::string Refusal(const std::string& bytes) {
  try {
    Parse(bytes);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadInput);
    const std::string message = error.what();
    EXPECT_TRUE(message.starts_with("x.npy: ")) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
    return message;
  }
  return "accepted";
}

TEST(Npy, RoundTrips) {
  const std::string path = TempPath();
  const std::vector<float> floats = {0, 1.5f, -2, 3e30f, 4, 5};
  for (const std::vector<int64_t>& shape : std::vector<std::vector<int64_t>>{{6}, {2, 3}, {1, 6, 1}}) {
    WriteNpy(path, shape, floats);
    const NpyArray array = ReadNpy(path);
    EXPECT_EQ(array.shape, shape);
    EXPECT_EQ(array.Floats("x"), floats);
    EXPECT_THROW(array.Ints("x"), Error);
    EXPECT_EQ(ReadTextFile(path, 1 << 20).size(), 128u + 24u) << "values begin at a multiple of 64";
  }
  WriteNpy(path, std::vector<int64_t>{2}, std::vector<int32_t>{-1, 7});
  EXPECT_EQ(ReadNpy(path).Ints("x"), (std::vector<int32_t>{-1, 7}));
  WriteNpy(path, std::vector<int64_t>{}, std::vector<int32_t>{5});
  EXPECT_EQ(ReadNpy(path).shape.size(), 0u);
  WriteNpy(path, std::vector<int64_t>{0, 3}, std::vector<float>{});
  EXPECT_TRUE(ReadNpy(path).Floats("x").empty());
  std::remove(path.c_str());
}

// Byte for byte what numpy.save writes for numpy.arange(2, dtype="<i4").reshape(2, 1) (NumPy 1.24).
TEST(Npy, ReadsWhatNumpyWrites) {
  std::string header = "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 1), }";
  header.append(117 - header.size(), ' ');
  header.push_back('\n');
  const NpyArray array = Parse(Npy(header, std::string("\0\0\0\0\1\0\0\0", 8)));
  EXPECT_EQ(array.shape, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(array.Ints("x"), (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(Parse(Npy("{'shape':(2,),'fortran_order':True,'descr':'<f4'}", std::string(8, '\0'))).shape.size(), 1u);
}

TEST(Npy, RefusesBrokenFiles) {
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";
  const std::string values(8, '\0');
  EXPECT_EQ(Refusal(Npy(header, values)), "accepted");
  EXPECT_NE(Refusal("").find("expected a .npy file"), std::string::npos);
  EXPECT_NE(Refusal(Npy(header, values, {"\x93NUMPX\x01\x00", 8})).find("format 1.0"), std::string::npos);
  EXPECT_NE(Refusal(Npy(header, values, {"\x93NUMPY\x03\x00", 8})).find("format 1.0"), std::string::npos);
  EXPECT_EQ(Refusal(Npy(header, values).substr(0, 30)), "x.npy: the .npy header has 58 bytes, the file only 20");
  EXPECT_EQ(Refusal(Npy(header, values + "x")), "x.npy: .npy header: the shape needs 8 bytes, the file has 9");
  EXPECT_EQ(Refusal(Npy(header, "")), "x.npy: .npy header: the shape needs 8 bytes, the file has 0");
  for (const char* bad : {
           "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }",
           "{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }",
           "{'descr': '<f4', 'fortran_order': True, 'shape': (2,1), }",
           "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,), }",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (2, }",
           "{'descr': '<f4', 'fortran_order': False, 'shape': 2, }",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } x",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}",
           "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
           "{'descr': '<f4', 'fortran_order': False}",
           "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}",
           "{'descr': '<f4",
           "{",
           "",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,), }",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,2), }",
       }) {
    EXPECT_NE(Refusal(Npy(bad, values)), "accepted") << bad;
  }
}

TEST(Npy, SurvivesRandomChanges) {
  const std::string good = Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", std::string(8, '\0'));
  std::mt19937 random(3);
  int refused = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = good.substr(0, random() % 4 == 0 ? random() % good.size() : good.size());
    for (auto n = random() % 3; n > 0 && !bytes.empty(); --n) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    refused += Refusal(bytes) != "accepted" ? 1 : 0;
  }
  EXPECT_GT(refused, 5000);
}

TEST(Npy, WritingWhereThereIsNoRoomIsAnError) {
  const std::vector<int64_t> shape = {1};
  const std::vector<float> value = {1};
  EXPECT_THROW(WriteNpy("/nonexistent/x.npy", shape, value), Error);
  EXPECT_THROW(WriteNpy("/dev/full", std::vector<int64_t>{1 << 16}, std::vector<float>(1 << 16)), Error);
  EXPECT_TRUE(std::filesystem::exists("/dev/full")) << "only a regular file is removed again";
}

}  // namespace
}  // namespace spate
