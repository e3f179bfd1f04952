#include "checkpoint/quantized/compressed_tensors.h"

#include <algorithm>
#include <utility>

#include "checkpoint/quantized/packed_ints.h"
#include "quant/float8.h"

namespace spate {
namespace {

class CompressedLayer final : public QuantizedLayer {
 public:
  CompressedLayer(const LayerTensors& tensors, bool packed) {
    const TensorView& weight = packed ? OpenPacked(tensors) : OpenPlain(tensors);
    sources_.push_back(&weight);
    weight_ = weight.bytes.data();
    OpenScales(tensors);
    OpenZeros(tensors, packed);
    OpenGroups(tensors);
  }

  void Make(int64_t first, int64_t count, std::byte* out) const noexcept override {
    const int64_t scale_first = scale_rows_ == 1 ? 0 : first, scale_count = scale_rows_ == 1 ? 1 : count;
    const std::vector<float> scales = FloatRows(*scales_, scale_first, scale_count);
    const std::vector<float> zeros = Zeros(scale_first, scale_count);
    for (int64_t r = first; r < first + count; ++r) {
      const int64_t scale_row = scale_rows_ == 1 ? 0 : r - first;
      for (int64_t i = 0; i < cols_; ++i) {
        const int64_t group = group_of_.empty() ? i / group_size_ : group_of_[static_cast<size_t>(i)];
        const auto at = static_cast<size_t>(scale_row * groups_ + group);
        const float q = Value(r, i);
        const float value = scales[at] * (zeros.empty() ? q : q - zeros[at]);
        std::memcpy(out + ((r - first) * cols_ + i) * 4, &value, sizeof(value));
      }
    }
  }

 private:
  enum class Kind { kPacked, kInt8, kFloat8 };

  float Value(int64_t row, int64_t col) const {
    switch (kind_) {
      case Kind::kPacked: {
        const std::byte* words = weight_ + row * words_ * 4;
        return static_cast<float>(static_cast<int>(PackedInt(words, 1, col, bits_)) - (1 << (bits_ - 1)));
      }
      case Kind::kInt8:
        return static_cast<float>(static_cast<int8_t>(weight_[row * cols_ + col]));
      case Kind::kFloat8:
        break;
    }
    return ToFloatE4M3(static_cast<uint8_t>(weight_[row * cols_ + col]));
  }

  const TensorView& OpenPacked(const LayerTensors& tensors) {
    kind_ = Kind::kPacked;
    const TensorView& weight = tensors.Need("weight_packed", {DType::kI32, DType::kU32}, {-1, -1});
    const TensorView& shape = tensors.Need("weight_shape", {DType::kI64, DType::kI32}, {2});
    sources_.push_back(&shape);
    int64_t size[2];
    for (int i = 0; i < 2; ++i) {
      if (shape.dtype == DType::kI64) {
        std::memcpy(&size[i], shape.bytes.data() + i * 8, 8);
      } else {
        size[i] = static_cast<int32_t>(Word(shape.bytes.data(), i));
      }
    }
    words_ = weight.shape[1];
    rows_ = weight.shape[0];
    cols_ = size[1];
    for (bits_ = 8; bits_ >= 1; --bits_) {
      if (cols_ > 0 && cols_ <= words_ * 32 && PackedWords(cols_, bits_) == words_) break;
    }
    if (size[0] != rows_ || bits_ == 0) {
      tensors.Fail("weight_packed", fmt::format("has shape {}, which is no packing of [{}, {}]", ToString(weight.shape),
                                                size[0], size[1]));
    }
    return weight;
  }

  const TensorView& OpenPlain(const LayerTensors& tensors) {
    const TensorView& weight = tensors.Need("weight", {DType::kI8, DType::kF8E4M3}, {-1, -1});
    kind_ = weight.dtype == DType::kI8 ? Kind::kInt8 : Kind::kFloat8;
    rows_ = weight.shape[0];
    cols_ = weight.shape[1];
    return weight;
  }

  void OpenScales(const LayerTensors& tensors) {
    const TensorView* found = tensors.Find("weight_scale");
    const bool one = found != nullptr && found->shape.size() < 2;
    const TensorView& scale =
        tensors.Need("weight_scale", {DType::kF16, DType::kBF16, DType::kF32}, one ? found->shape : Shape{rows_, -1});
    sources_.push_back(&scale);
    scales_ = &scale;
    groups_ = one ? 1 : scale.shape[1];
    scale_rows_ = scale.shape.empty() ? 1 : scale.shape[0];
    if (groups_ == 0 || cols_ % groups_ != 0 || (scale_rows_ != 1 && scale_rows_ != rows_)) {
      tensors.Fail("weight_scale",
                   fmt::format("has shape {}, the weight is [{}, {}]", ToString(scale.shape), rows_, cols_));
    }
    group_size_ = cols_ / groups_;
  }

  void OpenZeros(const LayerTensors& tensors, bool packed) {
    if (tensors.Find("weight_zero_point") == nullptr) return;
    if (packed) {
      const TensorView& zeros =
          tensors.Need("weight_zero_point", {DType::kI32, DType::kU32}, {PackedWords(rows_, bits_), groups_});
      sources_.push_back(&zeros);
      zeros_ = zeros.bytes.data();
      return;
    }
    const TensorView* found = tensors.Find("weight_zero_point");
    if (found->dtype == DType::kF8E4M3) {  // of symmetric floats: zeros, and no part of the weight
      sources_.push_back(found);
      return;
    }
    const TensorView& zeros = tensors.Need("weight_zero_point", {DType::kI8}, found->shape);
    sources_.push_back(&zeros);
    if (std::cmp_not_equal(zeros.bytes.size(), scale_rows_ * groups_)) {
      tensors.Fail("weight_zero_point",
                   fmt::format("has shape {} for {} scales", ToString(zeros.shape), scale_rows_ * groups_));
    }
    zeros_ = zeros.bytes.data();
  }

  // Of rows [first, first + count) of the scales; empty where there are none. [count, groups]
  std::vector<float> Zeros(int64_t first, int64_t count) const {
    std::vector<float> zeros;
    if (zeros_ == nullptr) return zeros;
    zeros.reserve(static_cast<size_t>(count * groups_));
    for (int64_t r = first; r < first + count; ++r) {
      for (int64_t g = 0; g < groups_; ++g) {
        if (kind_ == Kind::kPacked) {
          const uint32_t stored = PackedInt(zeros_ + g * 4, groups_, r, bits_);
          zeros.push_back(static_cast<float>(static_cast<int>(stored) - (1 << (bits_ - 1))));
        } else {
          zeros.push_back(static_cast<float>(static_cast<int8_t>(zeros_[r * groups_ + g])));
        }
      }
    }
    return zeros;
  }

  void OpenGroups(const LayerTensors& tensors) {
    if (tensors.Find("weight_g_idx") == nullptr) return;
    const TensorView& index = tensors.Need("weight_g_idx", {DType::kI32}, {cols_});
    sources_.push_back(&index);
    for (int64_t i = 0; i < cols_; ++i) group_of_.push_back(static_cast<int32_t>(Word(index.bytes.data(), i)));
    if (std::all_of(group_of_.begin(), group_of_.end(), [](int32_t group) { return group == -1; })) {
      return group_of_.clear();  // unset: groups are in order
    }
    for (const int32_t group : group_of_) {
      if (group < 0 || group >= groups_) {
        tensors.Fail("weight_g_idx", fmt::format("has group {}, there are {}", group, groups_));
      }
    }
  }

  Kind kind_ = Kind::kPacked;
  int bits_ = 8;
  int64_t words_ = 0;  // of a packed row
  const std::byte* weight_ = nullptr;
  int64_t groups_ = 1;
  int64_t group_size_ = 1;
  int64_t scale_rows_ = 1;
  const TensorView* scales_ = nullptr;  // [scale_rows, groups]
  const std::byte* zeros_ = nullptr;    // null: none. Packed along the rows, or int8 as the scales
  std::vector<int32_t> group_of_;       // [in] or empty: in order
};

}  // namespace

std::unique_ptr<QuantizedLayer> OpenCompressedLayer(const LayerTensors& tensors, bool packed) {
  return std::make_unique<CompressedLayer>(tensors, packed);
}

}  // namespace spate
