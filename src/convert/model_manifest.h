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

inline constexpr const char* kManifestName = "spate-manifest.json";

struct ManifestFile {
  int64_t size = 0;    // bytes
  std::string sha256;  // 64 lower-case hexadecimal digits
};

using Manifest = std::map<std::string, ManifestFile>;  // by name, '/' between folders

// None when there is no such file. Throws Error(kBadInput) for one that cannot be understood.
std::optional<Manifest> ReadManifest(const std::filesystem::path& folder);

// Throws Error(kEnvironment).
void WriteManifest(const std::filesystem::path& folder, const Manifest& manifest);

}  // namespace spate
