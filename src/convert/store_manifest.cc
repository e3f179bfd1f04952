#include "convert/store_manifest.h"

#include <algorithm>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "convert/hub_listing.h"

namespace spate {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr JsonLimits kLimits = {.max_bytes = size_t{32} << 20, .max_depth = 8, .max_values = 1'000'000};

bool IsSum(const std::string& text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

std::optional<StoreManifest> ReadStoreManifest(const fs::path& folder) {
  const fs::path path = folder / kStoreManifestName;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
  const std::string what = path.string();
  const json root = ReadJsonFile(what, kLimits);
  const std::string format = GetString(root, "format", "", what);
  if (format != "spate-manifest" || GetInt(root, "version", 0, 0, INT32_MAX, what) != 1) {
    throw Error(ErrorCode::kBadInput, "{}: expected format \"spate-manifest\", version 1", what);
  }
  const json* const files = FindObject(root, "files", what);
  if (files == nullptr) throw Error(ErrorCode::kBadInput, "{}: files: expected an object of files", what);
  StoreManifest manifest;
  for (const auto& [name, entry] : files->items()) {
    StoredFile file{GetInt(entry, "size", std::nullopt, 0, INT64_MAX / 2, what),
                    GetString(entry, "sha256", std::nullopt, what)};
    if (!IsSafeName(name) || !IsSum(file.sha256)) {
      throw Error(ErrorCode::kBadInput, "{}: files: expected names within the folder, each with a SHA-256 sum", what);
    }
    manifest.emplace(name, std::move(file));
  }
  return manifest;
}

void WriteStoreManifest(const fs::path& folder, const StoreManifest& manifest) {
  json files = json::object();
  for (const auto& [name, file] : manifest) files[name] = {{"size", file.size}, {"sha256", file.sha256}};
  const json root = {{"format", "spate-manifest"}, {"version", 1}, {"files", std::move(files)}};
  const fs::path path = folder / kStoreManifestName;
  WriteFileAtomically(path.string(), root.dump(2) + "\n");
  std::error_code ignored;  // as readable as the model itself: a store may be shared
  fs::permissions(path, fs::perms::group_read | fs::perms::others_read, fs::perm_options::add, ignored);
}

}  // namespace spate
