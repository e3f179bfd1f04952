// The manifest in a folder of the store, written when all files are there: a folder with one is whole. Stateless,
// thread-safe.
#pragma once

#include <filesystem>
#include <optional>

#include "convert/pull/manifest.h"

namespace spate {

// None when there is none. Throws Error(kBadInput) for one that cannot be understood or does not say sizes.
std::optional<FileSums> ReadStoreManifest(const std::filesystem::path& folder);

// Throws Error(kEnvironment).
void WriteStoreManifest(const std::filesystem::path& folder, const FileSums& files);

}  // namespace spate
