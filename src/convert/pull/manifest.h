// Manifest: the size and SHA-256 sum of every file of a model, to tell later whether one changed. Read from
// spate-manifest.json, which this program writes, or from a list as sha256sum prints it. Plain data, pure functions.
//
//   {"format": "spate-manifest", "version": 1,
//    "files": {"config.json": {"size": 651, "sha256": "9f86d0..."}, ...},
//    "complete": false}                                              where other files may lie beside them
//
// Names come from strangers: relative paths that stay inside the folder, with "/" between their parts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace spate {

inline constexpr std::string_view kManifestName = "spate-manifest.json";
inline constexpr std::string_view kSumsName = "SHA256SUMS";  // used where there is no manifest of our own
inline constexpr size_t kMaxManifestFiles = 20'000;
inline constexpr size_t kMaxManifestBytes = size_t{16} << 20;

struct FileSum {
  int64_t size = -1;   // bytes; -1 = not said
  std::string sha256;  // 64 lower-case digits

  friend bool operator==(const FileSum&, const FileSum&) = default;
};

using FileSums = std::map<std::string, FileSum, std::less<>>;  // by name, relative to the model's folder (IsSafeName)

struct Manifest {
  FileSums files;
  bool complete = true;  // names all files of the folder; a list of sha256sum or one file's manifest need not
};

// Either form, told by its first character. `what` names it in messages. Throws Error(kBadInput).
Manifest ParseManifest(std::string_view text, std::string_view what);
Manifest ReadManifest(const std::filesystem::path& path);
std::string FormatManifest(const Manifest& manifest);  // as spate-manifest.json
// Atomically. Throws Error(kEnvironment).
void WriteManifest(const std::filesystem::path& path, const Manifest& manifest);

// Which of the two lies in a folder; a link that leads nowhere does, so that reading it says what is wrong.
std::optional<std::filesystem::path> FindManifest(const std::filesystem::path& folder);

}  // namespace spate
