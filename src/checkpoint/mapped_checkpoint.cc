#include "checkpoint/mapped_checkpoint.h"

#include <utility>

namespace spate {

MappedCheckpoint::MappedCheckpoint(std::vector<MmapFile> files, TensorMap tensors,
                                   std::vector<std::unique_ptr<RowMaker>> makers, std::unique_ptr<StreamReader> reader)
    : files_(std::move(files)),
      reader_(reader != nullptr ? std::move(reader) : std::make_unique<StreamReader>(files_)),
      makers_(std::move(makers)),
      tensors_(std::move(tensors)) {
  for (const auto& [name, view] : tensors_) bytes_ += view.StoredBytes();
  ThrowIfFailed();  // what was parsed may have been zeros
}

const TensorView* MappedCheckpoint::Find(std::string_view name) const {
  const auto it = tensors_.find(name);
  return it == tensors_.end() ? nullptr : &it->second;
}

std::vector<std::string_view> MappedCheckpoint::Names() const {
  std::vector<std::string_view> names;
  for (const auto& [name, view] : tensors_) names.push_back(name);
  return names;
}

MatrixView MappedCheckpoint::Stream(const TensorView& tensor) const {
  MatrixView matrix = AsMatrix(tensor);
  if (!tensor.bytes.empty()) matrix.reader = reader_.get();
  return matrix;
}

void MappedCheckpoint::ThrowIfFailed() const {
  for (const MmapFile& file : files_) file.ThrowIfChanged();
  reader_->ThrowIfFailed();
}

void MappedCheckpoint::Release(const TensorView& tensor) const {
  const std::span<const std::byte> bytes = tensor.maker == nullptr ? tensor.bytes : tensor.made_of;
  if (bytes.empty()) return;
  for (const MmapFile& file : files_) {
    const std::span<const std::byte> all = file.bytes();
    if (bytes.data() >= all.data() && bytes.data() < all.data() + all.size()) file.DropPages(bytes);
  }
}

}  // namespace spate
