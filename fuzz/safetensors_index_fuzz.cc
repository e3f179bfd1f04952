// model.safetensors.index.json from hostile bytes: whatever is accepted names plain files only.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "checkpoint/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const spate::SafetensorsIndex index =
        spate::ParseSafetensorsIndex({reinterpret_cast<const char*>(data), size}, "fuzz");
    for (const auto& [name, shard] : index.weight_map) {
      if (shard.empty() || shard == ".." || shard.find('/') != std::string::npos) std::abort();
    }
  } catch (const spate::Error&) {
  }
  return 0;
}
