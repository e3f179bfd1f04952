// How much memory this process could still take.
#pragma once

#include <cstdint>
#include <string>

namespace spate {

// Bytes: what the kernel calls available, within the limits of the process's control groups (version 2 and 1; page
// cache counts as free there) and of its address space (ulimit -v). Files are read below `root`.
int64_t FreeMemory(const std::string& root = "/");

}  // namespace spate
