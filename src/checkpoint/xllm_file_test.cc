#include "checkpoint/xllm_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>

#include "base/error.h"
#include "checkpoint/test_files.h"

namespace spate {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

#define EXPECT_HAS(message, part) EXPECT_NE((message).find(part), std::string::npos) << (message)

template <typename T>
std::string Raw(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}
std::string Int(int32_t value) { return Raw(value); }
std::string Text(const std::string& text) { return Int(static_cast<int32_t>(text.size())) + text; }
std::string Floats(const std::vector<float>& values) {
  std::string raw;
  for (const float v : values) raw += Raw(v);
  return raw;
}
std::string Tensor(const std::string& name, const std::vector<int32_t>& shape, int32_t dtype, const std::string& data) {
  std::string raw = Text(name) + Int(static_cast<int32_t>(shape.size()));
  for (const int32_t size : shape) raw += Int(size);
  return raw + Int(dtype) + data;
}
std::string File(const std::vector<std::string>& tensors,
                 const std::vector<std::string>& fields = {"model_type", "llama"}) {
  std::string raw = Int(static_cast<int32_t>(fields.size() / 2));
  for (const std::string& text : fields) raw += Text(text);
  raw += Int(static_cast<int32_t>(tensors.size()));
  for (const std::string& tensor : tensors) raw += tensor;
  return raw;
}

// A tensor of every dtype.
const std::string kInt8 =
    Tensor("int8", {2, 3}, 3, Int(0) + Floats({-1, 1.55f, 0, 5.1f}) + std::string("\x00\x80\xff\x00\x01\xff", 6));
const std::string kInt4 = Tensor("int4", {2, 4}, 4, Int(0) + Floats({-8, 7, 0, 0}) + "\x0f\x81\xff\xff");
const std::string kInt4NoZero = Tensor("int4_nozero", {1, 2}, 8, Int(0) + Floats({-0.8f, 0.7f}) + "\x0f");
const std::string kF32 = Tensor("f32", {2, 2}, 0, Floats({1, 2, 3, 4}));
const std::string kF16 = Tensor("f16", {3}, 7, "abcdef");
const std::string kBf16 = Tensor("bf16", {1, 2}, 1, "ABCD");
std::string AllKinds() { return File({kInt8, kInt4, kInt4NoZero, kF32, kF16, kBf16}); }

std::vector<float> Values(const TensorView& view) {
  std::vector<float> values(static_cast<size_t>(view.shape[0] * view.shape[1]));
  const LoadedRows loaded = LoadRows(AsMatrix(view), 0, AsMatrix(view).rows);
  std::memcpy(values.data(), loaded.rows.data, values.size() * sizeof(float));
  return values;
}

XllmFile Parse(const std::string& file) { return ParseXllmFile(std::as_bytes(std::span(file)), "x.bin"); }
std::string Message(const std::string& file) {
  return BadInputMessage([&] { Parse(file); });
}

TEST(XllmFile, ReadsEveryDType) {
  const std::string file = AllKinds();
  const XllmFile parsed = Parse(file);
  const TensorMap& tensors = parsed.tensors.tensors;
  ASSERT_EQ(tensors.size(), 6u);
  EXPECT_EQ(Values(tensors.at("f32")), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(tensors.at("f16").dtype, DType::kF16);
  EXPECT_EQ(tensors.at("bf16").dtype, DType::kBF16);

  // Row 0: -1 to 1.55 in 255 steps, zero at round(100); row 1: 0 to 5.1, zero at 0.
  const float step = (1.55f - -1.0f) / 255.0f, wide = 5.1f / 255.0f;
  EXPECT_EQ(Values(tensors.at("int8")),
            (std::vector<float>{step * -100.0f, step * 28.0f, step * 155.0f, 0, wide, wide * 255.0f}));
  // Row 0: -8 to 7 in steps of 1; row 1 is all zeros, whatever its numbers.
  EXPECT_EQ(Values(tensors.at("int4")), (std::vector<float>{-8, 7, 0, -7, 0, 0, 0, 0}));
  const float small = (0.7f - -0.8f) / 15.0f;
  EXPECT_EQ(Values(tensors.at("int4_nozero")), (std::vector<float>{-small * 8.0f, -small * 8.0f + small * 15.0f}));
  EXPECT_EQ(tensors.at("int8").StoredBytes(), 2 * 8 + 6);
}

// Names push the values to any address.
TEST(XllmFile, ReadsAtAnyAddress) {
  for (const char* name : {"a", "ab", "abc", "abcd"}) {
    const std::string file = File({Tensor(name, {2, 2}, 0, Floats({1, 2, 3, 4}))});
    const XllmFile parsed = Parse(file);
    EXPECT_EQ(Values(parsed.tensors.tensors.at(name)), (std::vector<float>{1, 2, 3, 4}));
  }
}

TEST(XllmFile, RefusesWhatIsNotExactlyRight) {
  EXPECT_EQ(Message(AllKinds()), "accepted");
  EXPECT_HAS(Message(""), "4 more bytes");
  EXPECT_HAS(Message(AllKinds().substr(0, AllKinds().size() - 1)), "truncated");
  EXPECT_HAS(Message(AllKinds() + "x"), "behind the last tensor");
  EXPECT_HAS(Message(Int(-1)), "-1 fields");
  EXPECT_HAS(Message(Int(1) + Int(INT32_MAX)), "bytes of text");
  EXPECT_HAS(Message(File({})), "no tensors");
  EXPECT_HAS(Message(File({kInt8, kInt8})), "twice");
  EXPECT_HAS(Message(File({Tensor("a", {2}, 2, "")})), "dtype 2");
  EXPECT_HAS(Message(File({Tensor("a", {-2}, 0, "")})), "shape [-2]");
  EXPECT_HAS(Message(File({Tensor("a", {INT32_MAX, INT32_MAX, INT32_MAX}, 0, "")})), "overflows");
  EXPECT_HAS(Message(File({Tensor("a", {INT32_MAX, 1000}, 0, "")})), "more bytes");
  EXPECT_HAS(Message(File({Tensor("a", {1, 1, 1, 1, 1, 1, 1, 1, 1}, 0, "")})), "9 dimensions");
  EXPECT_HAS(Message(File({Tensor("a", {2}, 3, Int(0))})), "only matrices");
  EXPECT_HAS(Message(File({Tensor("a", {1, 2}, 3, Int(1))})), "axis 1");
  EXPECT_HAS(Message(File({Tensor("a", {1, 3}, 4, Int(0))})), "do not end with a byte");
  for (const float bad : {NAN, INFINITY, std::numeric_limits<float>::max()}) {
    EXPECT_HAS(Message(File({Tensor("a", {1, 1}, 3, Int(0) + Floats({-bad, bad}) + "x")})), "not finite");
  }
}

TEST(XllmFile, ConfigComesFromItsFields) {
  const std::string file = File({kInt8}, {"model_type", "llama", "hidden_size", "64", "rms_norm_eps", "1e-05",
                                          "rope_scaling", "None", "tie_word_embeddings", "False", "architectures",
                                          "['LlamaForCausalLM']", "num_key_value_heads", "2", "vocab_size", "None"});
  const json config = XllmConfig(Parse(file), "x.bin");
  EXPECT_EQ(config["hidden_size"], 64);
  EXPECT_EQ(config["rms_norm_eps"], 1e-5);
  EXPECT_EQ(config["tie_word_embeddings"], false);
  EXPECT_EQ(config["num_key_value_heads"], 2);
  EXPECT_EQ(config["vocab_size"], 32000);  // Llama-2-7B's from here
  EXPECT_EQ(config["intermediate_size"], 11008);
  EXPECT_EQ(config["num_hidden_layers"], 32);
  EXPECT_EQ(config["architectures"][0], "LlamaForCausalLM");
  const auto message = [](const std::vector<std::string>& fields) {
    const std::string bytes = File({kInt8}, fields);
    return BadInputMessage([&] { XllmConfig(Parse(bytes), "x.bin"); });
  };
  EXPECT_HAS(message({"model_type", "qwen"}), "model_type qwen");
  EXPECT_HAS(message({"hidden_size", "[1, 2]"}), "expected a number");
  EXPECT_HAS(message({"rope_scaling", "{'type': 'linear', 'factor': 2.0}"}), "rope_scaling");
}

TEST(XllmFile, IsToldByItsContent) {
  const TemporaryFolder folder;
  WriteBytes(folder.path() / "model.bin", AllKinds());
  WriteBytes(folder.path() / "other.bin", "PK\3\4, something else");
  EXPECT_TRUE(IsXllmFile(folder.path() / "model.bin"));
  EXPECT_FALSE(IsXllmFile(folder.path() / "other.bin"));
  EXPECT_FALSE(IsXllmFile(folder.path()));
  const XllmModel model = OpenXllmFile(folder.path() / "model.bin");
  EXPECT_EQ(model.checkpoint->Names().size(), 6u);
  EXPECT_EQ(model.config["hidden_size"], 4096);
}

// Rows that are not aligned are copied out of the mapping.
TEST(XllmFile, PagesOfMadeRowsAreGivenBack) {
  const auto mapped = [] {
    std::ifstream statm("/proc/self/statm");
    int64_t total = 0, all = 0, pages = 0;
    statm >> total >> all >> pages;
    return pages * sysconf(_SC_PAGESIZE);
  };
  constexpr int32_t kRows = 2000;
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "model.bin";
  WriteBytes(path, File({Tensor("odd", {kRows, 2000}, 0, std::string(4 * kRows * 2000, 'x'))}));
  const XllmModel model = OpenXllmFile(path);
  const TensorView& tensor = *model.checkpoint->Find("odd");
  ASSERT_NE(tensor.maker, nullptr);
  const int64_t before = mapped();
  EXPECT_EQ(AllBytes(tensor, *model.checkpoint).size(), static_cast<size_t>(tensor.StoredBytes()));
  ASSERT_GT(mapped(), before + tensor.StoredBytes() / 2);
  model.checkpoint->Release(tensor);
  EXPECT_LT(mapped(), before + tensor.StoredBytes() / 4);
}

TEST(XllmFile, SurvivesMutations) {
  ExpectSurvivesMutations(AllKinds(), 1000, [](const std::string& file) {
    const std::vector<char> exact(file.begin(), file.end());  // nothing readable behind the end
    const XllmFile parsed = ParseXllmFile(std::as_bytes(std::span(exact)), "x.bin");
    XllmConfig(parsed, "x.bin");
    for (const auto& [name, view] : parsed.tensors.tensors) {
      if (view.shape.size() == 1 || view.shape.size() == 2) LoadRows(AsMatrix(view), 0, AsMatrix(view).rows);
    }
  });
}

}  // namespace
}  // namespace spate
