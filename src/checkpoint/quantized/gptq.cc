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
    zeros_ = &zeros;
    scales_ = &scales;
    minus_one_ = config.zeros_minus_one;
  }

  void Make(int64_t first, int64_t count, std::byte* out) const noexcept override {
    const std::vector<float> scales = FloatColumns(*scales_, first, count);
    const std::vector<int16_t> zeros = Zeros(first, count);
    for (int64_t i = 0; i < cols_; ++i) {
      const size_t group = static_cast<size_t>(group_of_[static_cast<size_t>(i)]) * static_cast<size_t>(count);
      for (int64_t r = 0; r < count; ++r) {
        const size_t at = group + static_cast<size_t>(r);
        const auto q = static_cast<int>(PackedInt(weight_ + (first + r) * 4, rows_, i, bits_));
        const float value = scales[at] * static_cast<float>(q - zeros[at]);
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

  // Of rows [first, first + count). [groups, count]
  std::vector<int16_t> Zeros(int64_t first, int64_t count) const {
    const int64_t groups = zeros_->shape[0], words = zeros_->shape[1];
    std::vector<int16_t> zeros;
    zeros.reserve(static_cast<size_t>(groups * count));
    for (int64_t g = 0; g < groups; ++g) {
      for (int64_t r = first; r < first + count; ++r) {
        const uint32_t stored = PackedInt(zeros_->bytes.data() + g * words * 4, 1, r, bits_);
        const uint32_t zero = minus_one_ ? (stored + 1) & ((1u << bits_) - 1) : stored;
        zeros.push_back(static_cast<int16_t>(zero));
      }
    }
    return zeros;
  }

  int bits_;
  const std::byte* weight_ = nullptr;
  std::vector<int32_t> group_of_;       // [in]
  const TensorView* scales_ = nullptr;  // [groups, out]
  const TensorView* zeros_ = nullptr;   // [groups, words]
  bool minus_one_ = false;              // they are stored so
};

}  // namespace

std::unique_ptr<QuantizedLayer> OpenGptqLayer(const LayerTensors& tensors, const QuantizationConfig& config) {
  return std::make_unique<GptqLayer>(tensors, config);
}

}  // namespace spate
