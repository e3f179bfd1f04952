// The files that a model consists of on disk: all of a folder, or a single file with its other parts. What a manifest
// covers. Pure functions; links to folders are not followed.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "convert/pull/manifest.h"

namespace spate {

struct ModelFileList {
  std::filesystem::path folder;    // that names are relative to
  std::vector<std::string> names;  // sorted, "/" between parts
  bool whole_folder = false;       // false: the folder may hold other models
};

// Hidden files, manifests and what lies more than 4 folders deep are left out. `weights` is what was opened at `path`,
// or null. Throws Error(kBadInput) for a folder of more than kMaxManifestFiles files or a name that no manifest may
// have.
ModelFileList ListModelFiles(const std::filesystem::path& path, const Checkpoint* weights);

// Whether `name` is a regular file below `folder` that no link to another folder leads to.
bool IsFileInside(const std::filesystem::path& folder, const std::string& name);

}  // namespace spate
