// DType: every number format a tensor can have, plain or in blocks, and how many bytes it takes.
// A block format is a member here plus one file in this folder that defines its layout with scalar
// pack and unpack; kernels are tested against that definition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace spate {

enum class DType : uint8_t {
  kF32,
  kF16,
  kBF16,
  kF64,
  kI8,
  kU8,
  kI16,
  kU16,
  kI32,
  kU32,
  kI64,
  kU64,
  kBool,
  kF8E4M3,
  kF8E5M2,
  // GGUF's block formats, under GGUF's names. NOLINTBEGIN(readability-identifier-naming)
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ8_0,
  kQ2_K,
  kQ3_K,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kIQ4_NL,
  kIQ4_XS
  // NOLINTEND(readability-identifier-naming)
};

struct DTypeTraits {
  std::string_view name;  // as the command line and reports spell it: "bf16"
  int block_elements;     // elements that share a block; 1 = plain
  int block_bytes;        // bytes of one block
};

const DTypeTraits& Traits(DType dtype);
std::optional<DType> ParseDType(std::string_view name);  // "f32", "bf16", ...; nullopt = unknown

// Bytes of a tight row of `cols` elements, a multiple of the block.
inline int64_t RowBytes(DType dtype, int64_t cols) {
  return cols / Traits(dtype).block_elements * Traits(dtype).block_bytes;
}

inline std::string_view Name(DType dtype) { return Traits(dtype).name; }

// Formats that Unpack reads. Which of them a matrix can be kept and computed in is the device's to say.
bool IsWeightFormat(DType dtype);

// Scalar definition of reading: `count` consecutive elements to f32. `count` is a multiple of the block.
// Integer formats are not weights and fail a CHECK.
void Unpack(DType dtype, const std::byte* source, float* out, size_t count);
// Scalar definition of writing: the plain f32, f16 and bf16 round to nearest even; of the block formats only Q4_0 and
// Q8_0 are written, with the scales of the format's reference. `count` is a multiple of the block.
bool CanPack(DType dtype);
void Pack(DType dtype, const float* source, std::byte* out, size_t count);

}  // namespace spate
