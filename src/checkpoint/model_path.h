// Which format the model at a path has, told by the names of files and, of a single file, by how it begins.
#pragma once

#include <filesystem>
#include <optional>

namespace spate {

enum class ModelPathKind { kHuggingFace, kGguf, kMeta, kMlc, kXllm };

// Throws Error(kBadInput): nothing there, or nothing that is known.
ModelPathKind KindOf(const std::filesystem::path& path);

// The GGUF file at a path, if it is one or a folder of that kind.
std::optional<std::filesystem::path> FindGguf(const std::filesystem::path& path);

// The GGUF file of a path of kind kGguf: itself, or the one that the folder holds (of a split model the first part).
std::filesystem::path GgufOf(const std::filesystem::path& path);

}  // namespace spate
