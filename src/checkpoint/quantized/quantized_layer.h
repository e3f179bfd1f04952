// QuantizedLayer: the weight matrix of one linear layer out of the tensors that a quantization tool wrote for it, as
// f32 rows: each value is the product that the format defines, rounded once. Reads mapped files; thread-safe.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace spate {

class QuantizedLayer : public RowMaker {
 public:
  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  const std::vector<const TensorView*>& sources() const { return sources_; }

 protected:
  int64_t rows_ = 0;
  int64_t cols_ = 0;
  std::vector<const TensorView*> sources_;
};

// The tensors of a layer, asked for by the end of their names. Throws Error(kBadInput) that names the tensor.
class LayerTensors {
 public:
  LayerTensors(const Checkpoint& files, std::string layer) : files_(files), layer_(std::move(layer)) {}

  const std::string& layer() const { return layer_; }  // "model.layers.0.mlp.up_proj"
  const TensorView* Find(std::string_view suffix) const;
  // It must be there, of one of these types, and of this shape (-1: any number
  // above 0).
  const TensorView& Need(std::string_view suffix, std::initializer_list<DType> types, const Shape& shape) const;
  [[noreturn]] void Fail(std::string_view suffix, const std::string& message) const;

 private:
  const Checkpoint& files_;
  std::string layer_;
};

// Rows [first, first + count) of a floating point tensor of rank 2, or that many elements of one of a lower rank. Asked
// for while rows are made and not when the layer is opened: a model's scales are gigabytes.
std::vector<float> FloatRows(const TensorView& tensor, int64_t first, int64_t count);
// Columns [first, first + count) of all rows of one of rank 2. [rows, count]
std::vector<float> FloatColumns(const TensorView& tensor, int64_t first, int64_t count);

}  // namespace spate
