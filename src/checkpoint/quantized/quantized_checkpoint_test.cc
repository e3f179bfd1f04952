#include "checkpoint/quantized/quantized_checkpoint.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "checkpoint/mapped_checkpoint.h"

namespace spate {
namespace {

using Method = QuantizationConfig::Method;

// Tensors in memory under the layer "x".
class Tensors {
 public:
  template <typename T>
  void Add(const std::string& suffix, DType dtype, Shape shape, const std::vector<T>& values) {
    std::vector<std::byte>& bytes = bytes_[suffix];
    bytes.resize(values.size() * sizeof(T));
    if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    tensors_["x." + suffix] = {.dtype = dtype, .shape = std::move(shape), .bytes = bytes};
  }
  std::unique_ptr<Checkpoint> Open(const QuantizationConfig& config) const {
    return OpenQuantized(std::make_unique<MappedCheckpoint>(std::vector<MmapFile>{}, tensors_), config);
  }
  // The weight's values, or what was wrong.
  std::vector<float> Values(const QuantizationConfig& config) const {
    const auto checkpoint = Open(config);
    const TensorView& weight = *checkpoint->Find("x.weight");
    std::vector<float> values(static_cast<size_t>(weight.shape[0] * weight.shape[1]));
    weight.maker->Make(0, weight.shape[0], reinterpret_cast<std::byte*>(values.data()));
    return values;
  }
  std::string Problem(const QuantizationConfig& config) const {
    try {
      Open(config);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadInput);
      return error.what();
    }
    return "opened";
  }

 private:
  std::map<std::string, std::vector<std::byte>> bytes_;
  TensorMap tensors_;
};

// Eight inputs, one output, q = 1 to 8, zero 8, scales 1 and 2 for every other input.
Tensors Gptq() {
  Tensors t;
  t.Add<uint32_t>("qweight", DType::kI32, {1, 1}, {0x87654321});
  t.Add<uint32_t>("qzeros", DType::kI32, {2, 1}, {7, 7});
  t.Add<float>("scales", DType::kF32, {2, 1}, {1, 2});
  t.Add<int32_t>("g_idx", DType::kI32, {8}, {0, 1, 0, 1, 0, 1, 0, 1});
  return t;
}
const QuantizationConfig kGptq{.method = Method::kGptq, .group_size = 4, .zeros_minus_one = true};

TEST(Quantized, GptqInActOrder) {
  EXPECT_EQ(Gptq().Values(kGptq), (std::vector<float>{-7, -12, -5, -8, -3, -4, -1, 0}));
}

TEST(Quantized, GptqRefusesGroupsThatAreNotThere) {
  Tensors t = Gptq();
  t.Add<int32_t>("g_idx", DType::kI32, {8}, {0, 1, 0, 1, 0, 1, 0, 2});
  EXPECT_NE(t.Problem(kGptq).find("x.g_idx\" has group 2"), std::string::npos) << t.Problem(kGptq);
  t = Gptq();
  t.Add<uint32_t>("qweight", DType::kI32, {0, 1}, {});
  EXPECT_NE(t.Problem({.method = Method::kGptq}).find("[0, 1]"), std::string::npos);
}

TEST(Quantized, CompressedRefusesGroupsThatAreHalfSet) {
  Tensors t;
  t.Add<uint32_t>("weight_packed", DType::kI32, {1, 1}, {0x87654321});
  t.Add<int64_t>("weight_shape", DType::kI64, {2}, {1, 8});
  t.Add<float>("weight_scale", DType::kF32, {1, 2}, {1, 2});
  const QuantizationConfig config{.method = Method::kCompressed};
  EXPECT_EQ(t.Values(config), (std::vector<float>{-7, -6, -5, -4, -6, -4, -2, 0}));
  t.Add<int32_t>("weight_g_idx", DType::kI32, {8}, {-1, -1, -1, -1, -1, -1, -1, -1});
  EXPECT_EQ(t.Values(config), (std::vector<float>{-7, -6, -5, -4, -6, -4, -2, 0}));
  t.Add<int32_t>("weight_g_idx", DType::kI32, {8}, {-1, -1, -1, -1, -1, -1, -1, 1});
  EXPECT_NE(t.Problem(config).find("has group -1, there are 2"), std::string::npos) << t.Problem(config);
}

TEST(Quantized, BlockFloatsNeedTheirBlockSize) {
  Tensors t;
  t.Add<uint8_t>("weight", DType::kF8E4M3, {1, 2}, {0x38, 0xB8});
  t.Add<float>("weight_scale_inv", DType::kF32, {1, 1}, {3});
  QuantizationConfig config{.method = Method::kBlockFloats};
  EXPECT_NE(t.Problem(config).find("no weight_block_size"), std::string::npos) << t.Problem(config);
  config.block_rows = config.block_cols = 2;
  EXPECT_EQ(t.Values(config), (std::vector<float>{3, -3}));
}

}  // namespace
}  // namespace spate
