// The number formats of GGUF tensors: the file's ids, how many bytes each takes, and which of them this program can
// compute with. Sizes of the others are known too, so that a file can be checked and described. Pure data.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "quant/dtype.h"

namespace spate {

struct GgufTensorType {
  uint32_t id = 0;
  std::string_view name;  // as the format's own documents spell it: "Q4_K"
  int block_elements = 1;
  int block_bytes = 0;
  std::optional<DType> dtype;  // nullopt: cannot be computed here
};

const GgufTensorType* FindGgufTensorType(uint32_t id);  // null = no such id
const GgufTensorType* FindGgufTensorType(DType dtype);  // null = the format has none for it

}  // namespace spate
