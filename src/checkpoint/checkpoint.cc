#include "checkpoint/checkpoint.h"

#include <set>

#include "base/error.h"
#include "base/mmap_file.h"
#include "base/stream_reader.h"
#include "checkpoint/safetensors.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxIndexBytes = 100'000'000;

class SafetensorsCheckpoint : public Checkpoint {
 public:
  // One file that holds everything.
  explicit SafetensorsCheckpoint(const fs::path& file) {
    files_.push_back(MmapFile::Open(file));
    tensors_ = ParseSafetensors(files_.back().bytes(), file.string());
    Finish();
  }

  // Shards that an index names.
  SafetensorsCheckpoint(const fs::path& folder, const fs::path& index_file) {
    const SafetensorsIndex index = ParseSafetensorsIndex(ReadTextFile(index_file, kMaxIndexBytes), index_file.string());
    std::set<std::string_view> shards;
    for (const auto& [name, shard] : index.weight_map) shards.insert(shard);
    for (const std::string_view shard : shards) AddShard(folder / shard, shard, index);
    std::string missing;
    for (const auto& [name, shard] : index.weight_map) {
      if (tensors_.contains(name)) continue;
      missing += fmt::format("{}{} (in {})", missing.empty() ? "" : ", ", name, shard);
      if (missing.size() > 400) {
        missing += ", ...";
        break;
      }
    }
    if (!missing.empty()) {
      throw Error(ErrorCode::kBadInput, "{}: names tensors that their files do not hold: {}", index_file.string(),
                  missing);
    }
    Finish();
    if (index.total_size >= 0 && index.total_size != bytes_) {
      throw Error(ErrorCode::kBadInput,
                  "{}: total_size says {} bytes, the shards hold {} (a file from another download?)",
                  index_file.string(), index.total_size, bytes_);
    }
  }

  const TensorView* Find(std::string_view name) const override {
    const auto it = tensors_.find(name);
    return it == tensors_.end() ? nullptr : &it->second;
  }
  std::vector<std::string_view> Names() const override {
    std::vector<std::string_view> names;
    for (const auto& [name, view] : tensors_) names.push_back(name);
    return names;
  }
  int64_t bytes() const override { return bytes_; }
  MatrixView Stream(const TensorView& tensor) const override {
    MatrixView matrix = AsMatrix(tensor);
    if (!tensor.bytes.empty()) matrix.reader = reader_.get();
    return matrix;
  }
  void PlanStream(std::span<const std::span<const std::byte>> pieces) const override { reader_->Plan(pieces); }
  void ThrowIfFailed() const override { reader_->ThrowIfFailed(); }
  void Release(const TensorView& tensor) const override {
    if (tensor.bytes.empty()) return;
    for (const MmapFile& file : files_) {
      const std::span<const std::byte> all = file.bytes();
      if (tensor.bytes.data() < all.data() || tensor.bytes.data() >= all.data() + all.size()) continue;
      file.DropPages(tensor.bytes);
    }
  }

 private:
  void AddShard(const fs::path& path, std::string_view shard, const SafetensorsIndex& index) {
    files_.push_back(MmapFile::Open(path));
    for (auto& [name, view] : ParseSafetensors(files_.back().bytes(), path.string())) {
      // A shard may hold more than the index asks of it; what the index does not name is not part of the model.
      const auto it = index.weight_map.find(name);
      if (it != index.weight_map.end() && it->second == shard) tensors_.emplace(name, view);
    }
  }

  void Finish() {
    reader_ = std::make_unique<StreamReader>(files_);
    for (const auto& [name, view] : tensors_) bytes_ += static_cast<int64_t>(view.bytes.size());
  }

  std::vector<MmapFile> files_;
  std::unique_ptr<StreamReader> reader_;  // of files_, once all are open
  TensorMap tensors_;                     // views into files_
  int64_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<Checkpoint> OpenCheckpoint(const fs::path& folder) {
  std::error_code ignored;
  const fs::path index = folder / "model.safetensors.index.json";
  const fs::path single = folder / "model.safetensors";
  if (fs::exists(index, ignored)) return std::make_unique<SafetensorsCheckpoint>(folder, index);
  if (fs::exists(single, ignored) || fs::is_symlink(single, ignored))
    return std::make_unique<SafetensorsCheckpoint>(single);
  throw Error(ErrorCode::kBadInput,
              "{}: no weights: expected model.safetensors, or model.safetensors.index.json with its shards",
              folder.string());
}

}  // namespace spate
