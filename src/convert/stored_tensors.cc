#include "convert/stored_tensors.h"

#include <algorithm>

#include "base/error.h"
#include "checkpoint/gguf_split.h"
#include "checkpoint/model_path.h"
#include "checkpoint/torch_checkpoint.h"
#include "model/model_files.h"

namespace spate {
namespace {

// How often all bytes of a file may belong to tensors: tied ones share theirs.
constexpr size_t kMostUses = 4;

FilePass* PassOf(std::span<FilePass> passes, std::span<const std::byte> bytes) {
  for (FilePass& pass : passes) {
    if (pass.file == nullptr) continue;
    const std::span<const std::byte> all = pass.file->bytes();
    if (bytes.data() >= all.data() && bytes.data() < all.data() + all.size()) return &pass;
  }
  return nullptr;
}

}  // namespace

std::unique_ptr<Checkpoint> OpenStoredTensors(const std::filesystem::path& path) {
  switch (KindOf(path)) {
    case ModelPathKind::kHuggingFace:
      return IsTorchFolder(path) ? OpenTorchFolder(path) : OpenCheckpoint(path);
    case ModelPathKind::kGguf: {
      OpenedGguf opened = OpenGguf(GgufOf(path));
      return MakeCheckpoint(&opened);
    }
    default:
      return OpenModelFiles(path).checkpoint;
  }
}

void AssignTensors(const Checkpoint& stored, std::span<const std::string_view> names, std::span<FilePass> passes) {
  for (size_t i = 0; i < names.size(); ++i) {
    const TensorView& view = *stored.Find(names[i]);
    if (view.bytes.empty() || !CanBeBad(view.dtype)) continue;
    FilePass* pass = PassOf(passes, view.bytes);
    if (pass == nullptr) continue;
    const auto offset = static_cast<size_t>(view.bytes.data() - pass->file->bytes().data());
    pass->tensors.push_back({.tensor = i, .format = view.dtype, .offset = offset, .size = view.bytes.size()});
  }
  for (FilePass& pass : passes) {
    const auto before = [](const TensorRange& a, const TensorRange& b) { return a.offset < b.offset; };
    std::stable_sort(pass.tensors.begin(), pass.tensors.end(), before);
    size_t room = pass.file == nullptr ? 0 : kMostUses * pass.file->bytes().size();
    for (const TensorRange& range : pass.tensors) {
      if (range.size > room) {
        throw Error(ErrorCode::kBadInput, "{}: tensors share its bytes more than {} times", pass.file->path(),
                    kMostUses);
      }
      room -= range.size;
    }
  }
}

BadValues CountMadeValues(const Checkpoint& stored, const TensorView& tensor) {
  BadValueCounter counter(tensor.dtype);
  if (!CanBeBad(tensor.dtype) || tensor.shape.empty()) return {};
  TensorView flat = tensor;
  int64_t rows = 1;
  for (size_t i = 0; i + 1 < tensor.shape.size(); ++i) rows *= tensor.shape[i];
  flat.shape = {rows, tensor.shape.back()};
  const MatrixView matrix = stored.Stream(flat);
  const int64_t step = RowsPerRead(matrix.row_bytes);
  for (int64_t row = 0; row < rows; row += step) {
    const int64_t count = std::min(step, rows - row);
    const LoadedRows loaded = LoadRows(matrix, row, count);
    counter.Feed({loaded.rows.data, static_cast<size_t>(count * loaded.rows.row_bytes)});
  }
  stored.ThrowIfFailed();
  return counter.result();
}

}  // namespace spate
