#include "tensor/view.h"

#include <fmt/ranges.h>

#include "base/check.h"

namespace spate {

std::string ToString(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

MatrixView AsMatrix(const TensorView& tensor) {
  CHECK(tensor.shape.size() == 1 || tensor.shape.size() == 2, "rank {}", tensor.shape.size());
  const int64_t rows = tensor.shape.size() == 2 ? tensor.shape[0] : 1;
  const int64_t cols = tensor.shape.back();
  const DTypeTraits& traits = Traits(tensor.dtype);
  return {tensor.bytes.data(), tensor.dtype, rows, cols, cols / traits.block_elements * traits.block_bytes};
}

}  // namespace spate
