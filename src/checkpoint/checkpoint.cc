#include "checkpoint/checkpoint.h"

#include <set>
#include <utility>

#include "base/error.h"
#include "base/mmap_file.h"
#include "checkpoint/mapped_checkpoint.h"
#include "checkpoint/safetensors.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxIndexBytes = 100'000'000;

// One file that holds everything.
std::unique_ptr<Checkpoint> OpenSingle(const fs::path& path) {
  std::vector<MmapFile> files;
  files.push_back(MmapFile::Open(path));
  TensorMap tensors = ParseSafetensors(files.back().bytes(), path.string());
  return std::make_unique<MappedCheckpoint>(std::move(files), std::move(tensors));
}

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

// Shards that an index names.
std::unique_ptr<Checkpoint> OpenShards(const fs::path& folder, const fs::path& index_file) {
  const SafetensorsIndex index = ParseSafetensorsIndex(ReadTextFile(index_file, kMaxIndexBytes), index_file.string());
  std::set<std::string_view> shards;
  for (const auto& [name, shard] : index.weight_map) shards.insert(shard);
  std::vector<MmapFile> files;
  TensorMap tensors;
  for (const std::string_view shard : shards) {
    const fs::path path = folder / shard;
    files.push_back(MmapFile::Open(path));
    for (auto& [name, view] : ParseSafetensors(files.back().bytes(), path.string())) {
      // A shard may hold more than the index asks of it; what the index does not name is not part of the model.
      const auto it = index.weight_map.find(name);
      if (it != index.weight_map.end() && it->second == shard) tensors.emplace(name, view);
    }
  }
  CheckComplete(index, tensors, index_file);
  auto checkpoint = std::make_unique<MappedCheckpoint>(std::move(files), std::move(tensors));
  if (index.total_size >= 0 && index.total_size != checkpoint->bytes()) {
    throw Error(ErrorCode::kBadInput,
                "{}: total_size says {} bytes, the shards hold {} (a file from another download?)", index_file.string(),
                index.total_size, checkpoint->bytes());
  }
  return checkpoint;
}

}  // namespace

std::unique_ptr<Checkpoint> OpenCheckpoint(const fs::path& folder) {
  std::error_code ignored;
  const fs::path index = folder / "model.safetensors.index.json";
  const fs::path single = folder / "model.safetensors";
  if (fs::exists(index, ignored)) return OpenShards(folder, index);
  if (fs::exists(single, ignored) || fs::is_symlink(single, ignored)) return OpenSingle(single);
  throw Error(ErrorCode::kBadInput,
              "{}: no weights: expected model.safetensors, or model.safetensors.index.json with its shards",
              folder.string());
}

}  // namespace spate
