#include "checkpoint/quantized/quantized_layer.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"

namespace spate {

const TensorView* LayerTensors::Find(std::string_view suffix) const {
  return files_.Find(layer_ + "." + std::string(suffix));
}

const TensorView& LayerTensors::Need(std::string_view suffix, std::initializer_list<DType> types,
                                     const Shape& shape) const {
  const TensorView* tensor = Find(suffix);
  if (tensor == nullptr) Fail(suffix, "is missing beside the layer's other tensors");
  if (std::find(types.begin(), types.end(), tensor->dtype) == types.end()) {
    std::vector<std::string_view> names;
    for (const DType type : types) names.push_back(Name(type));
    Fail(suffix, fmt::format("is {}, expected {}", Name(tensor->dtype), fmt::join(names, " or ")));
  }
  bool fits = tensor->shape.size() == shape.size();
  for (size_t i = 0; fits && i < shape.size(); ++i) {
    fits = tensor->shape[i] > 0 && (shape[i] < 0 || shape[i] == tensor->shape[i]);
  }
  if (!fits) {
    Fail(suffix, fmt::format("has shape {}, expected {} (-1 = any above 0)", ToString(tensor->shape), ToString(shape)));
  }
  if (tensor->maker != nullptr) Fail(suffix, "is not stored row by row; convert the folder to safetensors");
  return *tensor;
}

void LayerTensors::Fail(std::string_view suffix, const std::string& message) const {
  throw Error(ErrorCode::kBadInput, "tensor \"{}.{}\" {}", layer_, suffix, message);
}

std::vector<float> FloatRows(const TensorView& tensor, int64_t first, int64_t count) {
  const int64_t cols = tensor.shape.size() == 2 ? tensor.shape[1] : 1;
  std::vector<float> values(static_cast<size_t>(count * cols));
  const int64_t offset = first * cols * Traits(tensor.dtype).block_bytes;
  Unpack(tensor.dtype, tensor.bytes.data() + offset, values.data(), values.size());
  return values;
}

std::vector<float> FloatColumns(const TensorView& tensor, int64_t first, int64_t count) {
  const int64_t rows = tensor.shape[0], cols = tensor.shape[1], element = Traits(tensor.dtype).block_bytes;
  std::vector<float> values(static_cast<size_t>(rows * count));
  for (int64_t r = 0; r < rows; ++r) {
    Unpack(tensor.dtype, tensor.bytes.data() + (r * cols + first) * element, values.data() + r * count,
           static_cast<size_t>(count));
  }
  return values;
}

}  // namespace spate
