// MappedCheckpoint: the tensors of a model that lie in mapped files, whatever the format: a reader of the format says
// where. Immutable and thread-safe, as every Checkpoint.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mmap_file.h"
#include "base/stream_reader.h"
#include "checkpoint/checkpoint.h"

namespace spate {

using TensorMap = std::map<std::string, TensorView, std::less<>>;

// What a reader found in one file: views into its bytes, and the makers that some of them name.
struct FileTensors {
  TensorMap tensors;
  std::vector<std::unique_ptr<RowMaker>> makers{};
};

class MappedCheckpoint final : public Checkpoint {
 public:
  // The views point into `files`, or have one of `makers`, which may read the files too: through `reader`, if there is
  // one, which is of `files`.
  MappedCheckpoint(std::vector<MmapFile> files, TensorMap tensors, std::vector<std::unique_ptr<RowMaker>> makers = {},
                   std::unique_ptr<StreamReader> reader = nullptr);

  const TensorView* Find(std::string_view name) const override;
  std::vector<std::string_view> Names() const override;
  int64_t bytes() const override { return bytes_; }
  MatrixView Stream(const TensorView& tensor) const override;
  void PlanStream(std::span<const std::span<const std::byte>> pieces, ReadMode mode) const override {
    reader_->Plan(pieces, mode);
  }
  void ThrowIfFailed() const override;
  void Release(const TensorView& tensor) const override;
  std::span<const MmapFile> files() const override { return files_; }

 private:
  std::vector<MmapFile> files_;
  std::unique_ptr<StreamReader> reader_;  // of files_
  std::vector<std::unique_ptr<RowMaker>> makers_;
  TensorMap tensors_;
  int64_t bytes_ = 0;
};

}  // namespace spate
