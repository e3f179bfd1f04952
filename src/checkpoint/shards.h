// Checkpoints of one file, or of several that an index names: what safetensors and PyTorch folders have in common.
// Throws Error(kBadInput) naming the file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include "checkpoint/mapped_checkpoint.h"

namespace spate {

// A file in the same folder and nothing else: what an index may name.
bool IsPlainFileName(std::string_view name);

// The path of a file that an index names. Throws where it is a link out of the folder, which could show any file of
// this machine; the links of the Hugging Face cache, from snapshots/REVISION to blobs, are none of these.
std::filesystem::path ShardPath(const std::filesystem::path& folder, std::string_view name);

// Reads one mapped file; `file` names it in messages.
using FileParser = FileTensors (*)(std::span<const std::byte> bytes, std::string_view file);

std::unique_ptr<MappedCheckpoint> OpenSingleFile(const std::filesystem::path& path, FileParser parse);

enum class ShardTotal {
  kMustMatch,  // the index's total_size is that of its tensors
  kIgnored
};
// `index_file` as ParseSafetensorsIndex reads it; the shards lie in `folder`.
std::unique_ptr<MappedCheckpoint> OpenShards(const std::filesystem::path& folder,
                                             const std::filesystem::path& index_file, FileParser parse,
                                             ShardTotal total);

}  // namespace spate
