#include "checkpoint/quantized/awq.h"

#include "checkpoint/quantized/packed_ints.h"

namespace spate {
namespace {

constexpr int kShift[8] = {0, 16, 4, 20, 8, 24, 12, 28};  // of output 0 to 7 of a word

class AwqLayer final : public QuantizedLayer {
 public:
  AwqLayer(const LayerTensors& tensors, const QuantizationConfig& config) {
    const TensorView& weight = tensors.Need("qweight", {DType::kI32, DType::kU32}, {-1, -1});
    words_ = weight.shape[1];
    rows_ = words_ * 8;
    cols_ = weight.shape[0];
    group_ = config.group_size == 0 ? cols_ : config.group_size;
    if (group_ == 0 || cols_ % group_ != 0) {
      tensors.Fail("qweight", fmt::format("has {} inputs, no multiple of group_size {}", cols_, group_));
    }
    const int64_t groups = cols_ / group_;
    const TensorView& zeros = tensors.Need("qzeros", {DType::kI32, DType::kU32}, {groups, words_});
    const TensorView& scales = tensors.Need("scales", {DType::kF16, DType::kBF16, DType::kF32}, {groups, rows_});
    sources_ = {&weight, &zeros, &scales};
    weight_ = weight.bytes.data();
    zeros_ = zeros.bytes.data();
    scales_ = &scales;
  }

  void Make(int64_t first, int64_t count, std::byte* out) const noexcept override {
    const std::vector<float> scales = FloatColumns(*scales_, first, count);
    for (int64_t i = 0; i < cols_; ++i) {
      const int64_t g = i / group_;
      for (int64_t r = first; r < first + count; ++r) {
        const int shift = kShift[r % 8];
        const auto q = static_cast<int>(Word(weight_, i * words_ + r / 8) >> shift & 15);
        const auto zero = static_cast<int>(Word(zeros_, g * words_ + r / 8) >> shift & 15);
        const float value = scales[static_cast<size_t>(g * count + r - first)] * static_cast<float>(q - zero);
        std::memcpy(out + ((r - first) * cols_ + i) * 4, &value, sizeof(value));
      }
    }
  }

 private:
  int64_t words_ = 0;
  int64_t group_ = 0;
  const std::byte* weight_ = nullptr;
  const std::byte* zeros_ = nullptr;
  const TensorView* scales_ = nullptr;  // [groups, out]
};

}  // namespace

std::unique_ptr<QuantizedLayer> OpenAwqLayer(const LayerTensors& tensors, const QuantizationConfig& config) {
  return std::make_unique<AwqLayer>(tensors, config);
}

}  // namespace spate
