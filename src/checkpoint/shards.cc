#include "checkpoint/shards.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/mmap_file.h"
#include "checkpoint/safetensors.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxIndexBytes = 100'000'000;

void CheckComplete(const SafetensorsIndex& index, const TensorMap& tensors, const fs::path& index_file) {
  std::string missing;
  for (const auto& [name, shard] : index.weight_map) {
    if (tensors.contains(name)) continue;
    missing += fmt::format("{}{} (in {})", missing.empty() ? "" : ", ", name, shard);
    if (missing.size() > 400) {
      missing += ", ...";
      break;
    }
  }
  if (missing.empty()) return;
  throw Error(ErrorCode::kBadInput, "{}: names tensors that their files do not hold: {}", index_file.string(), missing);
}

}  // namespace

bool IsPlainFileName(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

fs::path ShardPath(const fs::path& folder, std::string_view name) {
  fs::path path = folder / name;
  std::error_code error;
  if (!fs::is_symlink(path, error)) return path;
  const fs::path home = fs::canonical(folder, error);
  const fs::path target = fs::canonical(path, error);
  if (error) return path;  // whoever opens it says why
  const fs::path where = target.parent_path();
  const bool cached =
      home.parent_path().filename() == "snapshots" && home.parent_path().parent_path() / "blobs" == where;
  if (where == home || cached) return path;
  throw Error(ErrorCode::kBadInput, "{}: a link out of the folder, to {}; give the folder that holds the files",
              path.string(), target.string());
}

std::unique_ptr<MappedCheckpoint> OpenSingleFile(const fs::path& path, FileParser parse) {
  std::vector<MmapFile> files;
  files.push_back(MmapFile::Open(path));
  FileTensors parsed = parse(files.back().bytes(), path.string());
  return std::make_unique<MappedCheckpoint>(std::move(files), std::move(parsed.tensors), std::move(parsed.makers));
}

std::unique_ptr<MappedCheckpoint> OpenShards(const fs::path& folder, const fs::path& index_file, FileParser parse,
                                             ShardTotal total) {
  const SafetensorsIndex index = ParseSafetensorsIndex(ReadTextFile(index_file, kMaxIndexBytes), index_file.string());
  std::set<std::string_view> shards;
  for (const auto& [name, shard] : index.weight_map) shards.insert(shard);
  std::vector<MmapFile> files;
  FileTensors all;
  for (const std::string_view shard : shards) {
    const fs::path path = ShardPath(folder, shard);
    files.push_back(MmapFile::Open(path));
    FileTensors parsed = parse(files.back().bytes(), path.string());
    for (auto& [name, view] : parsed.tensors) {
      // A shard may hold more than the index asks of it; what the index does not name is not part of the model.
      const auto it = index.weight_map.find(name);
      if (it != index.weight_map.end() && it->second == shard) all.tensors.emplace(name, view);
    }
    for (auto& maker : parsed.makers) all.makers.push_back(std::move(maker));
  }
  CheckComplete(index, all.tensors, index_file);
  auto checkpoint = std::make_unique<MappedCheckpoint>(std::move(files), std::move(all.tensors), std::move(all.makers));
  if (total == ShardTotal::kMustMatch && index.total_size >= 0 && index.total_size != checkpoint->bytes()) {
    throw Error(ErrorCode::kBadInput,
                "{}: total_size says {} bytes, the shards hold {} (a file from another download?)", index_file.string(),
                index.total_size, checkpoint->bytes());
  }
  return checkpoint;
}

}  // namespace spate
