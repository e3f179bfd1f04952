#include "checkpoint/gguf_types.h"

#include <algorithm>
#include <array>

namespace spate {
namespace {

constexpr GgufTensorType Unknown(uint32_t id, std::string_view name, int block_elements, int block_bytes) {
  return {id, name, block_elements, block_bytes, std::nullopt};
}

// Ids 4, 5, 31 to 33 and 36 to 38 were formats that no file has any more.
constexpr std::array kTypes = {
    GgufTensorType{0, "F32", 1, 4, DType::kF32},
    GgufTensorType{1, "F16", 1, 2, DType::kF16},
    GgufTensorType{2, "Q4_0", 32, 18, DType::kQ4_0},
    GgufTensorType{3, "Q4_1", 32, 20, DType::kQ4_1},
    GgufTensorType{6, "Q5_0", 32, 22, DType::kQ5_0},
    GgufTensorType{7, "Q5_1", 32, 24, DType::kQ5_1},
    GgufTensorType{8, "Q8_0", 32, 34, DType::kQ8_0},
    Unknown(9, "Q8_1", 32, 40),
    GgufTensorType{10, "Q2_K", 256, 84, DType::kQ2_K},
    GgufTensorType{11, "Q3_K", 256, 110, DType::kQ3_K},
    GgufTensorType{12, "Q4_K", 256, 144, DType::kQ4_K},
    GgufTensorType{13, "Q5_K", 256, 176, DType::kQ5_K},
    GgufTensorType{14, "Q6_K", 256, 210, DType::kQ6_K},
    Unknown(15, "Q8_K", 256, 292),
    Unknown(16, "IQ2_XXS", 256, 66),
    Unknown(17, "IQ2_XS", 256, 74),
    Unknown(18, "IQ3_XXS", 256, 98),
    Unknown(19, "IQ1_S", 256, 50),
    GgufTensorType{20, "IQ4_NL", 32, 18, DType::kIQ4_NL},
    Unknown(21, "IQ3_S", 256, 110),
    Unknown(22, "IQ2_S", 256, 82),
    GgufTensorType{23, "IQ4_XS", 256, 136, DType::kIQ4_XS},
    GgufTensorType{24, "I8", 1, 1, DType::kI8},
    GgufTensorType{25, "I16", 1, 2, DType::kI16},
    GgufTensorType{26, "I32", 1, 4, DType::kI32},
    GgufTensorType{27, "I64", 1, 8, DType::kI64},
    GgufTensorType{28, "F64", 1, 8, DType::kF64},
    Unknown(29, "IQ1_M", 256, 56),
    GgufTensorType{30, "BF16", 1, 2, DType::kBF16},
    Unknown(34, "TQ1_0", 256, 54),
    Unknown(35, "TQ2_0", 256, 66),
    Unknown(39, "MXFP4", 32, 17),
    Unknown(40, "NVFP4", 64, 36),
    Unknown(41, "Q1_0", 128, 18),
};

}  // namespace

const GgufTensorType* FindGgufTensorType(uint32_t id) {
  const auto* it = std::ranges::find(kTypes, id, &GgufTensorType::id);
  return it == kTypes.end() ? nullptr : it;
}

const GgufTensorType* FindGgufTensorType(DType dtype) {
  const auto* it = std::ranges::find(kTypes, std::optional<DType>(dtype), &GgufTensorType::dtype);
  return it == kTypes.end() ? nullptr : it;
}

}  // namespace spate
