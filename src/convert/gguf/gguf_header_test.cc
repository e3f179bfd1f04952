#include "convert/gguf/gguf_header.h"

#include <gtest/gtest.h>

#include <span>

#include "checkpoint/gguf.h"

namespace spate {
namespace {

GgufHeader Example() {
  GgufHeader header;
  header.String("general.architecture", "llama");
  header.U32("a.u32", 4000000000u);
  header.F32("a.f32", 1e-5f);
  header.Bool("a.yes", true);
  header.Bool("a.no", false);
  const std::string texts[] = {"", "a", "\u2581b"};
  header.Strings("a.texts", texts);
  const float floats[] = {0.5f, -3};
  header.Floats("a.floats", floats);
  const int32_t ints[] = {1, -2, 3};
  header.Ints("a.ints", ints);
  header.ByteList("a.bytes", std::string("\0x\xff", 3));
  header.AddTensor("odd", {3}, DType::kF32);  // 12 bytes, padded to 32
  header.AddTensor("blocks", {2, 64}, DType::kQ4_0);
  header.AddTensor("stack", {2, 3, 4}, DType::kBF16);
  return header;
}

TEST(GgufHeader, IsReadAsItWasWritten) {
  const GgufHeader header = Example();
  std::string file = header.Bytes();
  EXPECT_EQ(file.size() % 32, 0u);
  const size_t start = file.size();
  file.resize(start + static_cast<size_t>(header.data_bytes()));
  const GgufFile read = ParseGguf(std::as_bytes(std::span(file)), "test");
  const GgufMetadata& metadata = read.metadata;
  EXPECT_EQ(metadata.values().size(), 9u);
  EXPECT_EQ(metadata.GetInt("a.u32", std::nullopt, 0, INT64_MAX), 4000000000);
  EXPECT_EQ(metadata.GetFloat("a.f32", std::nullopt, 0, 1), static_cast<double>(1e-5f));
  EXPECT_TRUE(metadata.GetBool("a.yes", std::nullopt));
  EXPECT_FALSE(metadata.GetBool("a.no", std::nullopt));
  const auto texts = metadata.FindStrings("a.texts");
  ASSERT_TRUE(texts.has_value());
  EXPECT_EQ(std::vector<std::string>(texts->begin(), texts->end()), (std::vector<std::string>{"", "a", "\u2581b"}));
  EXPECT_EQ(metadata.FindFloats("a.floats", 9), (std::vector<float>{0.5f, -3}));
  EXPECT_EQ(metadata.FindInts("a.ints", 9), (std::vector<int64_t>{1, -2, 3}));
  EXPECT_EQ(metadata.FindBytes("a.bytes"), std::string_view("\0x\xff", 3));

  ASSERT_EQ(read.tensors.size(), 3u);
  const Shape shapes[] = {{3}, {2, 64}, {2, 3, 4}};
  const DType dtypes[] = {DType::kF32, DType::kQ4_0, DType::kBF16};
  const size_t bytes[] = {12, 72, 48};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(read.tensors[i].name, header.tensors()[i].name);
    EXPECT_EQ(read.tensors[i].shape, shapes[i]);
    EXPECT_EQ(read.tensors[i].type->dtype, dtypes[i]);
    EXPECT_EQ(read.tensors[i].bytes.size(), bytes[i]);
    EXPECT_EQ(header.tensors()[i].bytes, static_cast<int64_t>(bytes[i]));
    const auto at = reinterpret_cast<const char*>(read.tensors[i].bytes.data()) - file.data();
    EXPECT_EQ(at, static_cast<std::ptrdiff_t>(start) + header.tensors()[i].offset);
  }
}

TEST(GgufHeaderDeathTest, AKeyStandsThereOnce) {
  GgufHeader header;
  header.U32("a", 1);
  EXPECT_DEATH(header.Bool("a", true), "a is there already");
}

}  // namespace
}  // namespace spate
