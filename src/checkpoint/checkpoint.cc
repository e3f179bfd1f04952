#include "checkpoint/checkpoint.h"

#include "base/error.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/shards.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

FileTensors ParseFile(std::span<const std::byte> bytes, std::string_view file) {
  return {.tensors = ParseSafetensors(bytes, file)};
}

}  // namespace

std::unique_ptr<Checkpoint> OpenCheckpoint(const fs::path& folder) {
  std::error_code ignored;
  const fs::path index = folder / "model.safetensors.index.json";
  const fs::path single = folder / "model.safetensors";
  if (fs::exists(index, ignored)) return OpenShards(folder, index, ParseFile, ShardTotal::kMustMatch);
  if (fs::exists(single, ignored) || fs::is_symlink(single, ignored)) return OpenSingleFile(single, ParseFile);
  throw Error(ErrorCode::kBadInput,
              "{}: no weights: expected model.safetensors, or model.safetensors.index.json with its shards",
              folder.string());
}

}  // namespace spate
