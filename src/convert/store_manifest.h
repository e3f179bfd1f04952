// spate-manifest.json in a model's folder: its files with sizes and SHA-256 sums. Written when all of them are there,
// so that a folder with one is whole.
//   {"format": "spate-manifest", "version": 1, "files": {"config.json": {"size": 615, "sha256": "..."}}}
// Stateless, thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace spate {

inline constexpr const char* kStoreManifestName = "spate-manifest.json";

struct StoredFile {
  int64_t size = 0;    // bytes
  std::string sha256;  // 64 lower-case hexadecimal digits
};

using StoreManifest = std::map<std::string, StoredFile>;  // by name, '/' between folders

// None when there is no such file. Throws Error(kBadInput) for one that cannot be understood.
std::optional<StoreManifest> ReadStoreManifest(const std::filesystem::path& folder);

// Throws Error(kEnvironment).
void WriteStoreManifest(const std::filesystem::path& folder, const StoreManifest& manifest);

}  // namespace spate
