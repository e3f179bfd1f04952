#include "checkpoint/xllm_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/math_util.h"
#include "base/mmap_file.h"
#include "base/utf8.h"
#include "checkpoint/byte_cursor.h"
#include "checkpoint/row_makers.h"

namespace spate {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int32_t kMaxFields = 10'000;
constexpr int32_t kMaxTensors = 1'000'000;
constexpr int32_t kMaxRank = 8;
constexpr size_t kMaxShown = 80;

enum FileDType : int32_t { kFloat32 = 0, kBFloat16 = 1, kInt8 = 3, kInt4 = 4, kFloat16 = 7, kInt4NoZero = 8 };

struct Range {
  float min, max;
};
struct RowScale {
  float scale, zero;
};

// Not finite for a range that is not.
RowScale ScaleOf(Range range, int bits) {
  const float min = std::min(range.min, 0.0f), max = std::max(range.max, 0.0f);
  const float most = static_cast<float>((1 << bits) - 1);
  const float scale = (max - min) / most;
  if (scale == 0) return {0, 0};  // a row of zeros
  return {scale, std::round(std::clamp(-min / scale, 0.0f, most))};
}

class QuantizedRows final : public RowMaker {
 public:
  // `ranges` holds a Range for each row, `values` the bytes of its numbers, which have `bits` bits.
  QuantizedRows(std::span<const std::byte> ranges, const MatrixView& values, int64_t cols, int bits)
      : ranges_(ranges.data()), values_(values), cols_(cols), bits_(bits) {}

  void Make(int64_t first, int64_t count, std::byte* out) const noexcept override {
    const LoadedRows loaded = LoadRows(values_, first, count);
    for (int64_t row = 0; row < count; ++row) {
      const RowScale s = ScaleOf(RangeAt(first + row), bits_);
      const std::byte* values = loaded.rows.Row(row);
      for (int64_t c = 0; c < cols_; ++c, out += sizeof(float)) {
        float value;
        if (bits_ == 8) {
          value = s.scale * (static_cast<float>(std::to_integer<int>(values[c])) - s.zero);
        } else {
          const auto q = (std::to_integer<unsigned>(values[c / 2]) >> (c % 2 == 0 ? 4 : 0)) & 15u;
          value = -s.scale * s.zero + s.scale * static_cast<float>(q);
        }
        std::memcpy(out, &value, sizeof value);
      }
    }
  }

  bool AllFinite() const {
    for (int64_t row = 0; row < values_.rows; ++row) {
      const Range range = RangeAt(row);
      if (!std::isfinite(range.min) || !std::isfinite(range.max) || !std::isfinite(ScaleOf(range, bits_).scale)) {
        return false;
      }
    }
    return true;
  }

 private:
  Range RangeAt(int64_t row) const {
    Range range;
    std::memcpy(&range, ranges_ + row * int64_t{sizeof range}, sizeof range);
    return range;
  }

  const std::byte* ranges_;
  MatrixView values_;  // [rows, bytes]
  int64_t cols_;
  int bits_;
};

class XllmReader {
 public:
  XllmReader(std::span<const std::byte> bytes, std::string_view file, StreamReader* reader)
      : file_(file), cursor_(bytes, file), reader_(reader) {}

  void ReadFields() {
    const int32_t count = Count("fields", kMaxFields);
    for (int32_t i = 0; i < count; ++i) {
      std::string key = String();
      result_.fields.insert_or_assign(std::move(key), String());
    }
  }

  XllmFile Read() {
    ReadFields();
    const int32_t count = Count("tensors", kMaxTensors);
    for (int32_t i = 0; i < count; ++i) {
      const std::string name = String();
      name_ = OneLine(name, kMaxShown);
      if (!result_.tensors.tensors.emplace(name, Tensor()).second) Bad("occurs twice");
    }
    if (cursor_.left() != 0) {
      throw Error(ErrorCode::kBadInput, "{}: {} bytes behind the last tensor", file_, cursor_.left());
    }
    if (count == 0) throw Error(ErrorCode::kBadInput, "{}: holds no tensors", file_);
    return std::move(result_);
  }

  const XllmFile& result() const { return result_; }

 private:
  template <typename... Args>
  [[noreturn]] void Bad(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(ErrorCode::kBadInput, "{}: tensor \"{}\": {}", file_, name_,
                fmt::format(format, std::forward<Args>(args)...));
  }

  int32_t Count(const char* what, int32_t most) {
    const auto count = cursor_.Take<int32_t>();
    if (count < 0 || count > most) {
      throw Error(ErrorCode::kBadInput, "{}: {} {}, expected 0 to {}; is it a weight file of xLLM?", file_, count, what,
                  most);
    }
    return count;
  }
  std::string String() {
    constexpr int32_t kMaxString = 1 << 20;
    return std::string(cursor_.TakeText(static_cast<uint64_t>(Count("bytes of text", kMaxString))));
  }

  TensorView Tensor() {
    const int32_t rank = Count("dimensions", kMaxRank);
    Shape shape;
    for (int32_t i = 0; i < rank; ++i) {
      shape.push_back(cursor_.Take<int32_t>());
      if (shape.back() <= 0) Bad("shape {}", ToString(shape));
    }
    const std::optional<int64_t> elements = CheckedProduct(shape);
    if (!elements || *elements > INT64_MAX / 8) Bad("shape {} overflows", ToString(shape));
    const auto dtype = cursor_.Take<int32_t>();
    switch (dtype) {
      case kFloat32:
        return Plain(DType::kF32, shape, *elements);
      case kBFloat16:
        return Plain(DType::kBF16, shape, *elements);
      case kFloat16:
        return Plain(DType::kF16, shape, *elements);
      case kInt8:
        return Quantized(shape, 8);
      case kInt4:
      case kInt4NoZero:
        return Quantized(shape, 4);
      default:
        Bad("dtype {}; known are 0 (f32), 1 (bf16), 3 (int8), 4 and 8 (int4), 7 (f16)", dtype);
    }
  }

  TensorView Plain(DType dtype, const Shape& shape, int64_t elements) {
    const auto bytes = static_cast<uint64_t>(elements * Traits(dtype).block_bytes);
    return PlacedTensor(dtype, shape, cursor_.TakeBytes(bytes), &result_.tensors.makers);
  }

  TensorView Quantized(const Shape& shape, int bits) {
    if (shape.size() != 2) Bad("shape {}; only matrices are quantized", ToString(shape));
    if (const auto axis = cursor_.Take<int32_t>(); axis != 0) Bad("scales along axis {}, expected 0", axis);
    const int64_t rows = shape[0], cols = shape[1];
    if (cols * bits % 8 != 0) Bad("rows of {} numbers of {} bits do not end with a byte", cols, bits);
    const std::span<const std::byte> ranges = cursor_.TakeBytes(static_cast<uint64_t>(rows) * sizeof(Range));
    const std::span<const std::byte> values = cursor_.TakeBytes(static_cast<uint64_t>(rows * (cols * bits / 8)));
    const int64_t row_bytes = cols * bits / 8;
    const MatrixView matrix{.data = values.data(),
                            .dtype = DType::kU8,
                            .rows = rows,
                            .cols = row_bytes,
                            .row_bytes = row_bytes,
                            .reader = reader_};
    auto maker = std::make_unique<QuantizedRows>(ranges, matrix, cols, bits);
    if (!maker->AllFinite()) Bad("a row's range is not finite");
    TensorView view{.dtype = DType::kF32, .shape = shape, .bytes = {}};
    view.maker = maker.get();
    view.made_from = static_cast<int64_t>(ranges.size() + values.size());
    view.made_of = ranges;  // the values go through the reader
    result_.tensors.makers.push_back(std::move(maker));
    return view;
  }

  std::string_view file_;
  ByteCursor cursor_;
  StreamReader* reader_;
  std::string name_;  // of the tensor being read, for messages
  XllmFile result_;
};

// A field as JSON: numbers, and what Python's str() makes of True, False and None; null if there is none.
json FieldValue(const XllmFile& file, std::string_view key, std::string_view what) {
  const auto it = file.fields.find(key);
  if (it == file.fields.end() || it->second == "None") return nullptr;
  if (it->second == "True" || it->second == "False") return it->second == "True";
  json value = json::parse(it->second, nullptr, /*allow_exceptions=*/false);
  if (value.is_number()) return value;
  throw Error(ErrorCode::kBadInput, "{}: {}: expected a number, got {}", what, key, OneLine(it->second, kMaxShown));
}

}  // namespace

XllmFile ParseXllmFile(std::span<const std::byte> bytes, std::string_view file, StreamReader* reader) {
  return XllmReader(bytes, file, reader).Read();
}

json XllmConfig(const XllmFile& file, std::string_view what) {
  if (const auto type = file.fields.find("model_type"); type != file.fields.end() && type->second != "llama") {
    throw Error(ErrorCode::kBadInput, "{}: model_type {}, expected llama", what, OneLine(type->second, kMaxShown));
  }
  if (const auto scaling = file.fields.find("rope_scaling");
      scaling != file.fields.end() && scaling->second != "None") {
    throw Error(ErrorCode::kBadInput, "{}: rope_scaling {} is not supported", what,
                OneLine(scaling->second, kMaxShown));
  }
  // xLLM's own tables reach to 32768 positions; the model was trained for 4096.
  json config = {
      {"hidden_size", 4096},
      {"intermediate_size", 11008},
      {"num_hidden_layers", 32},
      {"num_attention_heads", 32},
      {"max_position_embeddings", 4096},
      {"rms_norm_eps", 1e-6},
      {"rope_theta", 10000.0},
      {"vocab_size", 32000},
      {"tie_word_embeddings", false},
      {"bos_token_id", 1},
      {"eos_token_id", 2},
      {"num_key_value_heads", nullptr},
      {"head_dim", nullptr},
  };
  for (auto& [key, value] : config.items()) {
    if (json field = FieldValue(file, key, what); !field.is_null()) value = std::move(field);
  }
  config["architectures"] = {"LlamaForCausalLM"};
  config["model_type"] = "llama";
  const auto act = file.fields.find("hidden_act");
  config["hidden_act"] = act == file.fields.end() ? "silu" : ReplaceInvalidUtf8(act->second);
  return config;
}

bool IsXllmFile(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return false;
  try {
    const MmapFile file = MmapFile::Open(path.string());
    XllmReader reader(file.bytes(), file.path(), nullptr);
    reader.ReadFields();
    return reader.result().fields.contains("model_type");  // its exporter writes nothing without
  } catch (const Error&) {
    return false;
  }
}

XllmModel OpenXllmFile(const fs::path& path) {
  std::vector<MmapFile> files;
  files.push_back(MmapFile::Open(path.string()));
  auto reader = std::make_unique<StreamReader>(files);
  XllmFile parsed = ParseXllmFile(files.back().bytes(), path.string(), reader.get());
  json config = XllmConfig(parsed, path.string());
  return {.checkpoint = std::make_unique<MappedCheckpoint>(std::move(files), std::move(parsed.tensors.tensors),
                                                           std::move(parsed.tensors.makers), std::move(reader)),
          .config = std::move(config)};
}

}  // namespace spate
