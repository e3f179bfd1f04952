#include "checkpoint/quantized/quantized_checkpoint.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include "checkpoint/quantized/awq.h"
#include "checkpoint/quantized/block_floats.h"
#include "checkpoint/quantized/compressed_tensors.h"
#include "checkpoint/quantized/gptq.h"

namespace spate {
namespace {

using Method = QuantizationConfig::Method;

class QuantizedCheckpoint final : public Checkpoint {
 public:
  QuantizedCheckpoint(std::unique_ptr<Checkpoint> files, const QuantizationConfig& config) : files_(std::move(files)) {
    for (const std::string_view name : files_->Names()) {
      std::unique_ptr<QuantizedLayer> layer = Open(name, config);
      if (layer == nullptr) continue;
      TensorView view{.dtype = DType::kF32, .shape = {layer->rows(), layer->cols()}, .bytes = {}, .maker = layer.get()};
      for (const TensorView* source : layer->sources()) view.made_from += source->StoredBytes();
      tensors_.emplace(LayerOf(name) + ".weight", view);
      layers_.emplace(layer.get(), std::move(layer));
    }
    for (const std::string_view name : files_->Names()) {
      if (!tensors_.contains(name) && !IsPart(name)) tensors_.emplace(name, *files_->Find(name));
    }
  }

  const TensorView* Find(std::string_view name) const override {
    const auto it = tensors_.find(name);
    return it == tensors_.end() ? nullptr : &it->second;
  }
  std::vector<std::string_view> Names() const override {
    std::vector<std::string_view> names;
    for (const auto& [name, view] : tensors_) names.push_back(name);
    return names;
  }
  int64_t bytes() const override { return files_->bytes(); }
  MatrixView Stream(const TensorView& tensor) const override {
    return tensor.maker == nullptr ? files_->Stream(tensor) : AsMatrix(tensor);
  }
  void PlanStream(std::span<const std::span<const std::byte>> pieces, ReadMode mode) const override {
    files_->PlanStream(pieces, mode);
  }
  void ThrowIfFailed() const override { files_->ThrowIfFailed(); }
  void Release(const TensorView& tensor) const override {
    if (tensor.maker == nullptr) return files_->Release(tensor);
    for (const TensorView* source : layers_.at(tensor.maker)->sources()) files_->Release(*source);
  }
  std::span<const MmapFile> files() const override { return files_->files(); }

 private:
  static std::string LayerOf(std::string_view name) { return std::string(name.substr(0, name.rfind('.'))); }

  // The layer whose main tensor this is.
  std::unique_ptr<QuantizedLayer> Open(std::string_view name, const QuantizationConfig& config) const {
    const LayerTensors tensors(*files_, LayerOf(name));
    switch (config.method) {
      case Method::kGptq:
        return name.ends_with(".qweight") ? OpenGptqLayer(tensors, config) : nullptr;
      case Method::kAwq:
        return name.ends_with(".qweight") ? OpenAwqLayer(tensors, config) : nullptr;
      case Method::kCompressed:
        if (name.ends_with(".weight_packed")) return OpenCompressedLayer(tensors, true);
        break;
      case Method::kBlockFloats:
        if (name.ends_with(".weight_scale_inv")) return OpenBlockFloatLayer(tensors, config);
        break;
    }
    const bool plain = name.ends_with(".weight_scale") && tensors.Find("weight") != nullptr;
    return plain ? OpenCompressedLayer(tensors, false) : nullptr;
  }

  // Whether a tensor belongs to a layer that is there as a whole.
  bool IsPart(std::string_view name) const {
    static constexpr std::array kParts = {".qweight",       ".qzeros",           ".scales",       ".g_idx",
                                          ".weight_packed", ".weight_scale",     ".weight_shape", ".weight_zero_point",
                                          ".weight_g_idx",  ".weight_scale_inv", ".input_scale",  ".input_zero_point",
                                          ".output_scale"};
    const bool part = std::any_of(kParts.begin(), kParts.end(), [&](const char* end) { return name.ends_with(end); });
    return part && tensors_.contains(LayerOf(name) + ".weight");
  }

  std::unique_ptr<Checkpoint> files_;
  std::map<const RowMaker*, std::unique_ptr<QuantizedLayer>> layers_;
  std::map<std::string, TensorView, std::less<>> tensors_;
};

}  // namespace

std::unique_ptr<Checkpoint> OpenQuantized(std::unique_ptr<Checkpoint> files, const QuantizationConfig& config) {
  return std::make_unique<QuantizedCheckpoint>(std::move(files), config);
}

}  // namespace spate
