// Checkpoint: the tensors of a model on disk as named, read-only views into mapped files. Immutable and
// safe to read from several threads; views live as long as the checkpoint.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mmap_file.h"
#include "tensor/view.h"

namespace spate {

class Checkpoint {
 public:
  virtual ~Checkpoint() = default;
  Checkpoint(const Checkpoint&) = delete;
  Checkpoint& operator=(const Checkpoint&) = delete;

  virtual const TensorView* Find(std::string_view name) const = 0;  // null = absent
  virtual std::vector<std::string_view> Names() const = 0;          // sorted
  virtual int64_t bytes() const = 0;                                // of all tensors
  // A tensor of rank 1 or 2 for a single pass (LoadRows). ThrowIfFailed afterwards: such reads do not throw.
  virtual MatrixView Stream(const TensorView& tensor) const = 0;
  // The pieces of tensors that such passes will ask for, in order, and how: they are read ahead from the disk.
  virtual void PlanStream(std::span<const std::span<const std::byte>> pieces, ReadMode mode) const = 0;
  // Error(kEnvironment): a file could not be read, or was written or cut since it was opened.
  virtual void ThrowIfFailed() const = 0;
  // Hint: this tensor was read and will not be again.
  virtual void Release(const TensorView& tensor) const = 0;
  // The mapped files that tensors lie in, for those who read them whole; empty when there are none.
  virtual std::span<const MmapFile> files() const { return {}; }

 protected:
  Checkpoint() = default;
};

// Opens what a Hugging Face folder holds: model.safetensors.index.json with its shards, or model.safetensors.
// Throws Error(kBadInput) naming the file for anything that is not exactly right.
std::unique_ptr<Checkpoint> OpenCheckpoint(const std::filesystem::path& folder);

}  // namespace spate
