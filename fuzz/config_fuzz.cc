// config.json from hostile bytes: whatever is accepted is a spec whose sizes can be multiplied without overflow.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "model/arch.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const nlohmann::json config =
        spate::ParseJson({reinterpret_cast<const char*>(data), size}, {.max_bytes = 1 << 20, .max_depth = 64}, "fuzz");
    const spate::ModelSpec spec = spate::MakeSpec(config);
    if (spec.Parameters() <= 0 || spec.layers.empty() || spec.ropes.empty()) std::abort();
    if (spate::MakeKvLayout(spec, spate::DType::kF32).BytesPerBlock(0) <= 0) std::abort();
  } catch (const spate::Error&) {
  }
  return 0;
}
