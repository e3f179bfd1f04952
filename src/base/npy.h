// .npy files (NumPy format 1.0, C order, little endian) of float32 and int32: logits and golden tensors.
// Reading checks every size against the file before use and throws Error(kBadInput).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace spate {

struct NpyArray {
  std::vector<int64_t> shape;  // outermost first
  std::variant<std::vector<float>, std::vector<int32_t>> values;

  // The values as this type; Error(kBadInput) naming `what` when the file holds the other one.
  const std::vector<float>& Floats(std::string_view what) const;
  const std::vector<int32_t>& Ints(std::string_view what) const;
};

// Throws Error(kEnvironment) when the file cannot be written completely; a partial one is removed.
void WriteNpy(const std::string& path, std::span<const int64_t> shape, std::span<const float> values);
void WriteNpy(const std::string& path, std::span<const int64_t> shape, std::span<const int32_t> values);

NpyArray ReadNpy(const std::string& path);
NpyArray ParseNpy(std::span<const std::byte> bytes, std::string_view what);

}  // namespace spate
