#include "checkpoint/mlc_model.h"

#include <array>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/mmap_file.h"
#include "base/stream_reader.h"
#include "base/utf8.h"
#include "checkpoint/mapped_checkpoint.h"
#include "checkpoint/mlc_cache.h"
#include "checkpoint/mlc_config.h"
#include "checkpoint/row_makers.h"
#include "checkpoint/shards.h"

namespace spate {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Makers = std::vector<std::unique_ptr<RowMaker>>;

constexpr size_t kMaxCacheBytes = 100'000'000;
constexpr size_t kMaxShown = 80;
constexpr int64_t kGroup = 32;  // elements of a scale

// The values of a group, as its words name them, from the 16 that its scale allows.
template <typename Element>
void Expand(const std::byte* words, const std::byte* allowed, std::byte* out) {
  for (int i = 0; i < kGroup; ++i) {  // little-endian words: element 0 in the low half of byte 0
    const int q = (std::to_integer<int>(words[i / 2]) >> (4 * (i % 2))) & 15;
    std::memcpy(out + i * int{sizeof(Element)}, allowed + q * int{sizeof(Element)}, sizeof(Element));
  }
}

// Rows of int4 values in groups that have a scale, in the dtype of the scales.
class Int4Rows final : public RowMaker {
 public:
  // [rows, cols / 8] words, [rows, cols / 32] scales of 16 or 32 bits.
  Int4Rows(const MatrixView& words, const MatrixView& scales) : words_(words), scales_(scales) {}

  void Make(int64_t first, int64_t count, std::byte* out) const noexcept override {
    const DType dtype = scales_.dtype;
    const int64_t element = RowBytes(dtype, 1);
    const LoadedRows words = LoadRows(words_, first, count), scales = LoadRows(scales_, first, count);
    std::array<float, 16> values;
    std::array<std::byte, 16 * sizeof(float)> allowed;
    for (int64_t group = 0; group < count * scales_.cols; ++group, out += kGroup * element) {
      float scale;
      Unpack(dtype, scales.rows.data + group * element, &scale, 1);
      for (int q = 0; q < 16; ++q) values[static_cast<size_t>(q)] = static_cast<float>(q - 7) * scale;
      Pack(dtype, values.data(), allowed.data(), values.size());  // the one rounding: products of 16 bits are exact
      const std::byte* group_words = words.rows.data + group * kGroup / 2;
      if (element == 2) {
        Expand<uint16_t>(group_words, allowed.data(), out);
      } else {
        Expand<uint32_t>(group_words, allowed.data(), out);
      }
    }
  }

 private:
  MatrixView words_;
  MatrixView scales_;
};

[[noreturn]] void Bad(std::string_view what, std::string_view tensor, std::string_view problem) {
  throw Error(ErrorCode::kBadInput, "{}: tensor \"{}\": {}", what, OneLine(tensor, kMaxShown), problem);
}

TensorView Dequantized(std::string_view name, const TensorView& words, const TensorView* scales, std::string_view what,
                       StreamReader& reader, Makers* makers) {
  if (scales == nullptr) Bad(what, name, "no q_scale beside it");
  const bool fits = words.dtype == DType::kU32 && words.shape.size() == 2 && scales->shape.size() == 2 &&
                    words.shape[0] == scales->shape[0] && words.shape[1] % 4 == 0 &&
                    words.shape[1] / 4 == scales->shape[1];
  if (!fits || !IsWeightFormat(scales->dtype) || scales->dtype == DType::kF64 || words.bytes.empty()) {
    Bad(what, name,
        fmt::format("{} {} with scales {} {}; expected u32 [out, in / 8] with a scale for each {} elements",
                    Name(words.dtype), ToString(words.shape), Name(scales->dtype), ToString(scales->shape), kGroup));
  }
  MatrixView word_rows = AsMatrix(words), scale_rows = AsMatrix(*scales);
  word_rows.reader = scale_rows.reader = &reader;
  makers->push_back(std::make_unique<Int4Rows>(word_rows, scale_rows));
  TensorView view{.dtype = scales->dtype, .shape = {words.shape[0], scales->shape[1] * kGroup}, .bytes = {}};
  view.maker = makers->back().get();
  view.made_from = static_cast<int64_t>(words.bytes.size() + scales->bytes.size());
  return view;
}

// What the shards hold, in place; makers come later.
TensorMap StoredTensors(const std::vector<MlcShard>& shards, const std::vector<MmapFile>& files) {
  TensorMap tensors;
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::span<const std::byte> all = files[i].bytes();
    for (const MlcRecord& record : shards[i].records) {
      if (record.offset > all.size() || record.bytes > all.size() - record.offset) {
        Bad(files[i].path(), record.name,
            fmt::format("{} bytes at byte {} of a file of {} (truncated download?)", record.bytes, record.offset,
                        all.size()));
      }
      const TensorView view{
          .dtype = record.dtype,
          .shape = record.shape,
          .bytes = all.subspan(static_cast<size_t>(record.offset), static_cast<size_t>(record.bytes))};
      if (!tensors.emplace(record.name, view).second) Bad(files[i].path(), record.name, "occurs twice");
    }
  }
  return tensors;
}

// "X.weight" for every X.q_weight; the rest as it is.
TensorMap WholeTensors(const TensorMap& stored, std::string_view what, StreamReader& reader, Makers* makers) {
  constexpr std::string_view kWords = ".q_weight", kScales = ".q_scale";
  TensorMap tensors;
  for (const auto& [name, view] : stored) {
    if (name.ends_with(kWords)) {
      const std::string base = name.substr(0, name.size() - kWords.size());
      const auto scales = stored.find(base + std::string(kScales));
      tensors.insert_or_assign(
          base + ".weight",
          Dequantized(name, view, scales == stored.end() ? nullptr : &scales->second, what, reader, makers));
    } else if (!name.ends_with(kScales) ||
               !stored.contains(name.substr(0, name.size() - kScales.size()) + ".q_weight")) {
      tensors.insert_or_assign(name, PlacedTensor(view.dtype, view.shape, view.bytes, makers));
    }
  }
  return tensors;
}

struct Part {
  std::string_view name;
  int64_t rows;
};

// Replaces each "...<fused>.weight" and ".bias" by its parts.
void SplitFused(TensorMap* tensors, std::string_view fused, const std::vector<Part>& parts, std::string_view what,
                Makers* makers) {
  int64_t rows = 0;
  for (const Part& part : parts) rows += part.rows;
  for (const std::string_view kind : {".weight", ".bias"}) {
    const std::string ending = std::string(fused).append(kind);
    TensorMap split;
    for (auto it = tensors->begin(); it != tensors->end();) {
      const auto& [name, view] = *it;
      if (!name.ends_with(ending)) {
        ++it;
        continue;
      }
      if (view.shape.empty() || view.shape.size() > 2 || view.shape[0] != rows) {
        Bad(what, name, fmt::format("shape {}, expected {} rows", ToString(view.shape), rows));
      }
      if (view.shape.size() == 1 && view.maker != nullptr)
        Bad(what, name, "does not begin at a multiple of its elements");
      int64_t first = 0;
      for (const Part& part : parts) {
        split.emplace(name.substr(0, name.size() - ending.size()).append(part.name).append(kind),
                      RowRange(view, first, part.rows, makers));
        first += part.rows;
      }
      it = tensors->erase(it);
    }
    tensors->merge(split);
  }
}

fs::path CacheFile(const fs::path& folder) {
  const fs::path newer = folder / "tensor-cache.json";
  std::error_code ignored;
  return fs::exists(newer, ignored) ? newer : folder / "ndarray-cache.json";
}

}  // namespace

bool IsMlcFolder(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(CacheFile(folder), ignored);
}

MlcModel OpenMlcFolder(const fs::path& folder) {
  const std::string chat_file = (folder / "mlc-chat-config.json").string();
  json config = MlcConfig(ReadJsonFile(chat_file, {}), chat_file);
  const std::string what = CacheFile(folder).string();
  const std::vector<MlcShard> shards = ParseMlcCache(ReadTextFile(what, kMaxCacheBytes), what);
  std::vector<MmapFile> files;
  for (const MlcShard& shard : shards) files.push_back(MmapFile::Open(ShardPath(folder, shard.file).string()));

  auto reader = std::make_unique<StreamReader>(files);
  Makers makers;
  TensorMap tensors = WholeTensors(StoredTensors(shards, files), what, *reader, &makers);
  if (tensors.empty()) throw Error(ErrorCode::kBadInput, "{}: names no tensors", what);
  const int64_t query = config["num_attention_heads"].get<int64_t>() * config["head_dim"].get<int64_t>();
  const int64_t key = config["num_key_value_heads"].get<int64_t>() * config["head_dim"].get<int64_t>();
  const int64_t hidden = config["intermediate_size"].get<int64_t>();
  for (const char* fused : {"qkv_proj", "c_attn"}) {  // c_attn: Qwen2
    SplitFused(&tensors, fused, {{"q_proj", query}, {"k_proj", key}, {"v_proj", key}}, what, &makers);
  }
  SplitFused(&tensors, "gate_up_proj", {{"gate_proj", hidden}, {"up_proj", hidden}}, what, &makers);
  return {.checkpoint = std::make_unique<MappedCheckpoint>(std::move(files), std::move(tensors), std::move(makers),
                                                           std::move(reader)),
          .config = std::move(config)};
}

}  // namespace spate
