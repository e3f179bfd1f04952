// One pass over files: each is read once, piece by piece, for its SHA-256 sum and for bad values in the tensors that
// lie in it. Several files at a time; memory stays at some buffers for each, and nothing stays mapped.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/mmap_file.h"
#include "convert/bad_values.h"
#include "quant/dtype.h"

namespace spate {

// Where a tensor lies in a file, and what was found in it.
struct TensorRange {
  size_t tensor = 0;  // the caller's number of it
  DType format = DType::kF32;
  size_t offset = 0;  // bytes
  size_t size = 0;
  BadValues bad{};
};

struct FilePass {
  const MmapFile* file = nullptr;      // null: an empty file
  std::vector<TensorRange> tensors{};  // by offset
  bool hash = true;
  std::string sha256{};  // the result
};

// Called on the caller's thread, some times a second.
using PassProgress = std::function<void(int64_t done, int64_t total)>;

// Fills in the results. Throws Error(kEnvironment) naming the file when one cannot be read any more.
void RunFilePasses(std::span<FilePass> passes, const PassProgress& progress);

}  // namespace spate
