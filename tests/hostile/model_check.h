// What broken models are given to, and what that may take.
#pragma once

#include <filesystem>

#include "tests/hostile/broken_copy.h"

namespace spate {

// JSON and names as objects, views of tensors: less than the files, whose weights are not read. A spec of 512 layers
// takes 40 KiB, however small the file that claims them.
inline constexpr MemoryBound kModelBound = {.times = 1, .slack = size_t{64} << 10};

// As `spate run` does before it packs weights.
void CheckModelFiles(const std::filesystem::path& path);

}  // namespace spate
