// The reader of torch.save's files on hostile bytes, through the function that every load uses; then every tensor is
// read, so that a view outside the file is found.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/error.h"
#include "checkpoint/torch_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  try {
    const spate::FileTensors file = spate::ParseTorchFile(bytes, "fuzz");
    unsigned sum = 0;
    for (const auto& [name, view] : file.tensors) {
      if (view.StoredBytes() > static_cast<int64_t>(size)) std::abort();
      for (const std::byte b : view.bytes) sum += std::to_integer<unsigned>(b);
      if (view.maker == nullptr || view.shape.empty() || view.shape.size() > 2) continue;
      const spate::LoadedRows loaded = spate::LoadRows(spate::AsMatrix(view), 0, spate::AsMatrix(view).rows);
      for (int64_t i = 0; i < view.StoredBytes(); ++i) sum += std::to_integer<unsigned>(loaded.rows.data[i]);
    }
    [[maybe_unused]] volatile unsigned keep = sum;
  } catch (const spate::Error&) {
  }
  return 0;
}
