// The safetensors reader on hostile bytes, through the function that every load uses; then every weight is read,
// so that a view outside its file is found.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/error.h"
#include "checkpoint/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const spate::TensorMap tensors = spate::ParseSafetensors({reinterpret_cast<const std::byte*>(data), size}, "fuzz");
    float sum = 0;
    for (const auto& [name, view] : tensors) {
      if (!spate::IsWeightFormat(view.dtype)) continue;
      const size_t count = view.bytes.size() / static_cast<size_t>(spate::Traits(view.dtype).block_bytes);
      std::vector<float> values(count);
      spate::Unpack(view.dtype, view.bytes.data(), values.data(), count);
      for (const float v : values) sum += v;
    }
    [[maybe_unused]] volatile float keep = sum;
  } catch (const spate::Error&) {
  }
  return 0;
}
