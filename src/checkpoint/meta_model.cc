#include "checkpoint/meta_model.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/mmap_file.h"
#include "base/stream_reader.h"
#include "base/utf8.h"
#include "checkpoint/mapped_checkpoint.h"
#include "checkpoint/meta_params.h"
#include "checkpoint/row_makers.h"
#include "checkpoint/torch_file.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxShards = 100;  // two digits
constexpr size_t kMaxShown = 80;

fs::path ShardFile(const fs::path& folder, int number) {
  return folder / fmt::format("consolidated.{:02}.pth", number);
}
fs::path ParamsFile(const fs::path& folder) { return folder / "params.json"; }

// The shape of a whole tensor of this name; empty: not one of a Llama model.
Shape WholeShape(std::string_view name, const MetaSizes& sizes) {
  const int64_t query = sizes.heads * sizes.head_dim, key = sizes.kv_heads * sizes.head_dim;
  if (name == "tok_embeddings.weight" || name == "output.weight") return {sizes.vocab, sizes.dim};
  if (name == "norm.weight" || name.ends_with("_norm.weight")) return {sizes.dim};
  if (name.ends_with(".attention.wq.weight")) return {query, sizes.dim};
  if (name.ends_with(".attention.wk.weight") || name.ends_with(".attention.wv.weight")) return {key, sizes.dim};
  if (name.ends_with(".attention.wo.weight")) return {sizes.dim, query};
  if (name.ends_with(".feed_forward.w1.weight") || name.ends_with(".feed_forward.w3.weight")) {
    return {sizes.hidden, sizes.dim};
  }
  if (name.ends_with(".feed_forward.w2.weight")) return {sizes.dim, sizes.hidden};
  return {};
}

// Puts the shares of one tensor together.
class Merger {
 public:
  Merger(const std::vector<FileTensors>& shards, const MetaSizes& sizes, StreamReader& reader, const fs::path& folder)
      : shards_(shards), sizes_(sizes), reader_(reader), folder_(folder) {}

  // The makers that views of the result name go to *makers.
  TensorView Merge(const std::string& name, std::vector<std::unique_ptr<RowMaker>>* makers) const {
    const std::vector<const TensorView*> parts = Parts(name);
    const TensorView& part = *parts[0];
    const Shape whole = WholeShape(name, sizes_);
    const auto shards = static_cast<int64_t>(shards_.size());
    if (whole.empty()) Fail(name, "not a tensor of a Llama model");
    if (part.shape == whole && (shards == 1 || whole.size() == 1)) return part;  // norms are repeated
    if (part.shape.size() != 2 || whole.size() != 2) FailShape(name, part, whole);

    TensorView view{.dtype = part.dtype, .shape = whole, .bytes = {}};
    std::vector<MatrixView> matrices;
    for (const TensorView* p : parts) {
      MatrixView& matrix = matrices.emplace_back(AsMatrix(*p));
      if (matrix.maker == nullptr) matrix.reader = &reader_;
      view.made_from += p->StoredBytes();
    }
    const auto is_share = [&](size_t i) { return whole[i] % shards == 0 && part.shape[i] == whole[i] / shards; };
    if (is_share(0) && part.shape[1] == whole[1]) {
      makers->push_back(std::make_unique<StackedRows>(std::move(matrices)));
    } else if (part.shape[0] == whole[0] && is_share(1)) {
      makers->push_back(std::make_unique<JoinedColumns>(std::move(matrices)));
    } else {
      FailShape(name, part, whole);
    }
    view.maker = makers->back().get();
    return view;
  }

 private:
  [[noreturn]] void Fail(std::string_view name, std::string_view problem) const {
    throw Error(ErrorCode::kBadInput, "{}: tensor \"{}\": {}", folder_.string(), OneLine(name, kMaxShown), problem);
  }
  [[noreturn]] void FailShape(std::string_view name, const TensorView& part, const Shape& whole) const {
    Fail(name, fmt::format("{} in each of {} files; params.json asks for {} in all", ToString(part.shape),
                           shards_.size(), ToString(whole)));
  }

  std::vector<const TensorView*> Parts(const std::string& name) const {
    std::vector<const TensorView*> parts;
    for (const FileTensors& shard : shards_) {
      const auto it = shard.tensors.find(name);
      if (it == shard.tensors.end()) {
        Fail(name, fmt::format("not in {}", ShardFile("", static_cast<int>(parts.size())).string()));
      }
      parts.push_back(&it->second);
      if (it->second.shape != parts[0]->shape || it->second.dtype != parts[0]->dtype) {
        Fail(name, "its parts differ in shape or dtype from file to file");
      }
    }
    return parts;
  }

  const std::vector<FileTensors>& shards_;
  const MetaSizes& sizes_;
  StreamReader& reader_;
  const fs::path& folder_;
};

}  // namespace

bool IsMetaFolder(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(ShardFile(folder, 0), ignored) && fs::exists(ParamsFile(folder), ignored);
}

MetaModel OpenMetaFolder(const fs::path& folder) {
  const std::string what = ParamsFile(folder).string();
  const nlohmann::json params = ReadJsonFile(what, {});
  std::vector<MmapFile> files;
  std::vector<FileTensors> shards;
  std::error_code ignored;
  for (int i = 0; i == 0 || (i < kMaxShards && fs::exists(ShardFile(folder, i), ignored)); ++i) {
    files.push_back(MmapFile::Open(ShardFile(folder, i).string()));
    FileTensors& shard = shards.emplace_back(ParseTorchFile(files.back().bytes(), files.back().path()));
    shard.tensors.erase("rope.freqs");
  }
  const MetaSizes sizes = ReadMetaSizes(params, shards[0].tensors, static_cast<int64_t>(shards.size()), what);

  auto reader = std::make_unique<StreamReader>(files);
  const Merger merger(shards, sizes, *reader, folder);
  TensorMap tensors;
  std::vector<std::unique_ptr<RowMaker>> makers;
  for (const FileTensors& shard : shards) {
    for (const auto& [name, view] : shard.tensors) {
      if (!tensors.contains(name)) tensors.emplace(name, merger.Merge(name, &makers));
    }
  }
  const DType dtype = tensors.at("tok_embeddings.weight").dtype;
  for (FileTensors& shard : shards) {  // makers above read through those of the files
    for (auto& maker : shard.makers) makers.push_back(std::move(maker));
  }
  return {.checkpoint = std::make_unique<MappedCheckpoint>(std::move(files), std::move(tensors), std::move(makers),
                                                           std::move(reader)),
          .config = MetaConfig(params, sizes, dtype, what)};
}

}  // namespace spate
