// A hub's listing from hostile bytes: whatever is accepted names files that stay in the model's folder, and choosing
// among them ends in a choice or an Error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "base/error.h"
#include "convert/pull/hub_files.h"
#include "convert/pull/hub_listing.h"

namespace {

// What the operating system would make of the name, told without looking at it part by part.
bool StaysInside(const std::string& name) {
  const std::filesystem::path path = std::filesystem::path("/top/folder") / name;
  return path.lexically_normal() == path && path.string().rfind("/top/folder/", 0) == 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const spate::HubListing listing = spate::ParseHubListing({reinterpret_cast<const char*>(data), size}, "fuzz");
    for (const spate::HubFile& file : listing.files) {
      if (!StaysInside(file.name) || file.size < 0 || (file.sha256.empty() == file.git_sha1.empty())) std::abort();
    }
    for (const char* quant : {"", "Q4_K_M"}) {
      try {
        if (spate::SelectFiles(listing, quant, "fuzz").empty()) std::abort();
      } catch (const spate::Error&) {
      }
    }
  } catch (const spate::Error&) {
  }
  return 0;
}
