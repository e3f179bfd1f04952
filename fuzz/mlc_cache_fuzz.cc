// ndarray-cache.json from hostile bytes: whatever is accepted names plain files only, and sizes that can be multiplied.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "checkpoint/mlc_cache.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    for (const spate::MlcShard& shard : spate::ParseMlcCache({reinterpret_cast<const char*>(data), size}, "fuzz")) {
      if (shard.file.empty() || shard.file == ".." || shard.file.find('/') != std::string::npos) std::abort();
      for (const spate::MlcRecord& record : shard.records) {
        uint64_t bytes = static_cast<uint64_t>(spate::Traits(record.dtype).block_bytes);
        for (const int64_t dim : record.shape) bytes *= static_cast<uint64_t>(dim);
        if (bytes != record.bytes) std::abort();
      }
    }
  } catch (const spate::Error&) {
  }
  return 0;
}
