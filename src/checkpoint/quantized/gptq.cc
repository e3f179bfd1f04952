#include "checkpoint/quantized/gptq.h"

#include <algorithm>

#include "checkpoint/quantized/packed_ints.h"

namespace spate {
namespace {

class GptqLayer final : public QuantizedLayer {
 public:
  GptqLayer(const LayerTensors& tensors, const QuantizationConfig& config) : bits_(config.bits) {
    const TensorView& weight = tensors.Need("qweight", {DType::kI32, DType::kU32}, {-1, -1});
    rows_ = weight.shape[1];
    cols_ = weight.shape[0] * 32 / bits_;
    if (PackedWords(cols_, bits_) != weight.shape[0]) {
      tensors.Fail("qweight", fmt::format("has {} words a column, which hold no whole number of {}-bit values",
                                          weight.shape[0], bits_));
    }
    const int64_t group = config.group_size == 0 ? cols_ : config.group_size;
    const int64_t groups = (cols_ + group - 1) / group;
    const TensorView& zeros = tensors.Need("qzeros", {DType::kI32, DType::kU32}, {groups, PackedWords(rows_, bits_)});
    const TensorView& scales = tensors.Need("scales", {DType::kF16, DType::kBF16, DType::kF32}, {groups, rows_});
    sources_ = {&weight, &zeros, &scales};
    weight_ = weight.bytes.data();
    ReadGroups(tensors, group, groups);
    scales_ = Floats(scales);
    ReadZeros(zeros, groups, config.zeros_minus_one);
  }

  void Make(int64_t first, int64_t count, std::byte* out) const noexcept override {
    for (int64_t i = 0; i < cols_; ++i) {
      const size_t group = static_cast<size_t>(group_of_[static_cast<size_t>(i)]) * static_cast<size_t>(rows_);
      for (int64_t r = 0; r < count; ++r) {
        const size_t at = group + static_cast<size_t>(first + r);
        const auto q = static_cast<int>(PackedInt(weight_ + (first + r) * 4, rows_, i, bits_));
        const float value = scales_[at] * static_cast<float>(q - zeros_[at]);
        std::memcpy(out + (r * cols_ + i) * 4, &value, sizeof(value));
      }
    }
  }

 private:
  void ReadGroups(const LayerTensors& tensors, int64_t group, int64_t groups) {
    for (int64_t i = 0; i < cols_; ++i) group_of_.push_back(static_cast<int32_t>(i / group));
    if (tensors.Find("g_idx") == nullptr) return;
    const TensorView& index = tensors.Need("g_idx", {DType::kI32}, {cols_});
    sources_.push_back(&index);
    for (int64_t i = 0; i < cols_; ++i) {
      const auto g = static_cast<int32_t>(Word(index.bytes.data(), i));
      if (g < 0 || g >= groups) {
        tensors.Fail("g_idx", fmt::format("has group {} at {}, there are {}", g, i, groups));
      }
      group_of_[static_cast<size_t>(i)] = g;
    }
  }

  void ReadZeros(const TensorView& zeros, int64_t groups, bool minus_one) {
    const int64_t words = zeros.shape[1];
    for (int64_t g = 0; g < groups; ++g) {
      for (int64_t r = 0; r < rows_; ++r) {
        const uint32_t stored = PackedInt(zeros.bytes.data() + g * words * 4, 1, r, bits_);
        const uint32_t zero = minus_one ? (stored + 1) & ((1u << bits_) - 1) : stored;
        zeros_.push_back(static_cast<int16_t>(zero));
      }
    }
  }

  int bits_;
  const std::byte* weight_ = nullptr;
  std::vector<int32_t> group_of_;  // [in]
  std::vector<float> scales_;      // [groups, out]
  std::vector<int16_t> zeros_;     // [groups, out]
};

}  // namespace

std::unique_ptr<QuantizedLayer> OpenGptqLayer(const LayerTensors& tensors, const QuantizationConfig& config) {
  return std::make_unique<GptqLayer>(tensors, config);
}

}  // namespace spate
