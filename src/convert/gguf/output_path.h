// Where a command may write a file. Pure functions that look at the disk.
#pragma once

#include <filesystem>

namespace spate {

// Throws Error(kUsage): a folder, something that is no file, a file that is there (unless `replace`), or one that
// belongs to `model`.
void CheckOutput(const std::filesystem::path& output, const std::filesystem::path& model, bool replace);

}  // namespace spate
