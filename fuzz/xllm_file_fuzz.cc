// xLLM's weight file from hostile bytes; then every tensor is read, so that a view outside the file is found.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "checkpoint/xllm_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const spate::XllmFile file = spate::ParseXllmFile({reinterpret_cast<const std::byte*>(data), size}, "fuzz");
    unsigned sum = 0;
    for (const auto& [name, view] : file.tensors.tensors) {
      for (const std::byte b : view.bytes) sum += std::to_integer<unsigned>(b);
      if (view.maker == nullptr || view.shape.empty() || view.shape.size() > 2) continue;
      const spate::MatrixView matrix = spate::AsMatrix(view);
      sum += std::to_integer<unsigned>(spate::LoadRows(matrix, 0, matrix.rows).rows.data[0]);
    }
    [[maybe_unused]] volatile unsigned keep = sum;
    spate::XllmConfig(file, "fuzz");
  } catch (const spate::Error&) {
  }
  return 0;
}
