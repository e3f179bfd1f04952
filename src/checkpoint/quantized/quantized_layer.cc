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

std::vector<float> Floats(const TensorView& tensor) {
  const int64_t element = Traits(tensor.dtype).block_bytes;
  std::vector<float> values(tensor.bytes.size() / static_cast<size_t>(element));
  Unpack(tensor.dtype, tensor.bytes.data(), values.data(), values.size());
  return values;
}

}  // namespace spate
