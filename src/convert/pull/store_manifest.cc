#include "convert/pull/store_manifest.h"

#include "base/error.h"

namespace spate {

namespace fs = std::filesystem;

std::optional<FileSums> ReadStoreManifest(const fs::path& folder) {
  const fs::path path = folder / kManifestName;
  std::error_code ignored;
  if (!fs::exists(fs::symlink_status(path, ignored))) return std::nullopt;  // a link that leads nowhere is an error
  FileSums files = ReadManifest(path).files;
  for (const auto& [name, sum] : files) {
    if (sum.size < 0) throw Error(ErrorCode::kBadInput, "{}: \"{}\": size is missing", path.string(), name);
  }
  return files;
}

void WriteStoreManifest(const fs::path& folder, const FileSums& files) {
  WriteManifest(folder / kManifestName, {.files = files});
}

}  // namespace spate
