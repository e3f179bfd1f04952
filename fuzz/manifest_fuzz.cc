// Whatever spate-manifest.json or SHA256SUMS says: names inside the folder and sums, or an Error.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/error.h"
#include "convert/pull/manifest.h"
#include "convert/pull/safe_name.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const spate::Manifest manifest = spate::ParseManifest({reinterpret_cast<const char*>(data), size}, "fuzz");
    for (const auto& [name, sum] : manifest.files) CHECK(spate::IsSafeName(name) && sum.sha256.size() == 64);
  } catch (const spate::Error&) {
  }
  return 0;
}
