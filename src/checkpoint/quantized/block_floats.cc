#include "checkpoint/quantized/block_floats.h"

#include <cstring>

#include "quant/float8.h"

namespace spate {
namespace {

class BlockFloatLayer final : public QuantizedLayer {
 public:
  BlockFloatLayer(const LayerTensors& tensors, const QuantizationConfig& config)
      : block_rows_(config.block_rows), block_cols_(config.block_cols) {
    if (block_rows_ == 0) {
      tensors.Fail("weight_scale_inv", "is a scale per block, but quantization_config has no weight_block_size");
    }
    const TensorView& weight = tensors.Need("weight", {DType::kF8E4M3}, {-1, -1});
    rows_ = weight.shape[0];
    cols_ = weight.shape[1];
    scale_cols_ = (cols_ + block_cols_ - 1) / block_cols_;
    const TensorView& scales = tensors.Need("weight_scale_inv", {DType::kF32, DType::kBF16, DType::kF16},
                                            {(rows_ + block_rows_ - 1) / block_rows_, scale_cols_});
    sources_ = {&weight, &scales};
    weight_ = weight.bytes.data();
    scales_ = &scales;
  }

  void Make(int64_t first, int64_t count, std::byte* out) const noexcept override {
    if (count == 0) return;
    const int64_t first_block = first / block_rows_;
    const std::vector<float> scale_rows =
        FloatRows(*scales_, first_block, (first + count - 1) / block_rows_ - first_block + 1);
    for (int64_t r = first; r < first + count; ++r) {
      const float* scales = scale_rows.data() + (r / block_rows_ - first_block) * scale_cols_;
      for (int64_t i = 0; i < cols_; ++i) {
        const float value = ToFloatE4M3(static_cast<uint8_t>(weight_[r * cols_ + i])) * scales[i / block_cols_];
        std::memcpy(out + ((r - first) * cols_ + i) * 4, &value, sizeof(value));
      }
    }
  }

 private:
  int64_t block_rows_;
  int64_t block_cols_;
  int64_t scale_cols_ = 0;
  const std::byte* weight_ = nullptr;
  const TensorView* scales_ = nullptr;  // [row blocks, column blocks]
};

}  // namespace

std::unique_ptr<QuantizedLayer> OpenBlockFloatLayer(const LayerTensors& tensors, const QuantizationConfig& config) {
  return std::make_unique<BlockFloatLayer>(tensors, config);
}

}  // namespace spate
