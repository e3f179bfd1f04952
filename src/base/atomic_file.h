// Small files that are there whole or not at all: written beside their place, synced, then renamed into it. What was
// there before stays until then. Thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace spate {

// Replaces or makes `path`, readable by its owner alone. Throws Error(kEnvironment) with path and reason; then what was
// there is untouched.
void WriteFileAtomically(const std::string& path, std::string_view bytes);

}  // namespace spate
