// A model in one GGUF file, or in the parts that gguf-split makes of one: NAME-00001-of-00003.gguf and so on, side by
// side. Whichever part is named, all are opened.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "base/mmap_file.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/gguf.h"

namespace spate {

struct OpenedGguf {
  std::vector<MmapFile> parts;
  GgufFile file;  // the first part's metadata, the tensors of all; views into `parts`
};

// Throws Error(kBadInput) naming the part: ParseGguf's errors, a part that is missing or belongs to another model.
OpenedGguf OpenGguf(const std::filesystem::path& path);

// The tensors of an opened file. The checkpoint takes `parts` over, so the views of `file` stay good as long as it
// lives. Throws Error(kBadInput) naming number formats that cannot be computed with, and takes nothing then.
std::unique_ptr<Checkpoint> MakeCheckpoint(OpenedGguf* opened);

}  // namespace spate
