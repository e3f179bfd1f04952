#include "checkpoint/torch_checkpoint.h"

#include "checkpoint/shards.h"
#include "checkpoint/torch_file.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

fs::path IndexFile(const fs::path& folder) { return folder / "pytorch_model.bin.index.json"; }
fs::path SingleFile(const fs::path& folder) { return folder / "pytorch_model.bin"; }

}  // namespace

bool IsTorchFolder(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(IndexFile(folder), ignored) || fs::exists(SingleFile(folder), ignored) ||
         fs::is_symlink(SingleFile(folder), ignored);
}

std::unique_ptr<Checkpoint> OpenTorchFolder(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::exists(IndexFile(folder), ignored)) return OpenSingleFile(SingleFile(folder), ParseTorchFile);
  // total_size is not held against the shards: tensors that share a storage are counted once by some writers and twice
  // by others, and a truncated shard has lost its zip directory.
  return OpenShards(folder, IndexFile(folder), ParseTorchFile, ShardTotal::kIgnored);
}

}  // namespace spate
