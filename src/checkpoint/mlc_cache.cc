#include "checkpoint/mlc_cache.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"
#include "base/json.h"
#include "base/math_util.h"
#include "base/utf8.h"
#include "checkpoint/shards.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr size_t kMaxText = 100'000'000;
constexpr size_t kMaxRank = 8;
constexpr size_t kMaxShown = 80;

struct DTypeName {
  std::string_view spelling;
  DType dtype;
};
constexpr std::array kDTypes = {
    DTypeName{"float16", DType::kF16}, DTypeName{"float32", DType::kF32}, DTypeName{"bfloat16", DType::kBF16},
    DTypeName{"uint32", DType::kU32},  DTypeName{"int32", DType::kI32},   DTypeName{"uint16", DType::kU16},
    DTypeName{"int16", DType::kI16},   DTypeName{"uint8", DType::kU8},    DTypeName{"int8", DType::kI8},
    DTypeName{"int64", DType::kI64},
};

const json& List(const json& object, std::string_view key, std::string_view what) {
  const json* list = object.is_object() ? FindArray(object, key, what) : nullptr;
  if (list == nullptr) throw Error(ErrorCode::kBadInput, "{}: expected a list \"{}\"", what, key);
  return *list;
}

MlcRecord ParseRecord(const json& entry, std::string_view what) {
  constexpr int64_t kMax = INT64_MAX;
  if (!entry.is_object()) throw Error(ErrorCode::kBadInput, "{}: records: expected objects", what);
  MlcRecord record;
  record.name = GetString(entry, "name", {}, what);
  const std::string where = fmt::format("{}: tensor \"{}\"", what, OneLine(record.name, kMaxShown));
  const json& shape = List(entry, "shape", where);
  if (shape.size() > kMaxRank) throw Error(ErrorCode::kBadInput, "{}: shape of rank {}", where, shape.size());
  for (const json& size : shape) {
    if (!size.is_number_unsigned() || size.get<uint64_t>() > static_cast<uint64_t>(kMax)) {
      throw Error(ErrorCode::kBadInput, "{}: shape: expected sizes, got {}", where, DescribeJson(size));
    }
    record.shape.push_back(size.get<int64_t>());
  }
  const std::string dtype = GetString(entry, "dtype", {}, where);
  const auto* known = std::ranges::find(kDTypes, dtype, &DTypeName::spelling);
  if (known == kDTypes.end()) {
    throw Error(ErrorCode::kBadInput, "{}: dtype \"{}\" is not known", where, OneLine(dtype, kMaxShown));
  }
  record.dtype = known->dtype;
  const std::string format = GetString(entry, "format", "raw", where);
  if (format != "raw" && format != "f32-to-bf16") {
    throw Error(ErrorCode::kBadInput, "{}: format \"{}\", expected raw or f32-to-bf16", where,
                OneLine(format, kMaxShown));
  }
  if (format == "f32-to-bf16" && record.dtype == DType::kF32) record.dtype = DType::kBF16;

  record.offset = static_cast<uint64_t>(GetInt(entry, "byteOffset", {}, 0, kMax, where));
  record.bytes = static_cast<uint64_t>(GetInt(entry, "nbytes", {}, 0, kMax, where));
  // Ones for zeros: rows and columns of an empty tensor may be multiplied too.
  Shape sizes = record.shape;
  std::ranges::replace(sizes, 0, 1);
  const std::optional<int64_t> elements = CheckedProduct(sizes);
  const std::optional<int64_t> most = elements ? CheckedMul(*elements, Traits(record.dtype).block_bytes) : std::nullopt;
  const int64_t need = most && sizes != record.shape ? 0 : most.value_or(-1);
  if (need < 0 || static_cast<uint64_t>(need) != record.bytes) {
    throw Error(ErrorCode::kBadInput, "{}: {} {} does not have {} bytes", where, Name(record.dtype),
                ToString(record.shape), record.bytes);
  }
  return record;
}

}  // namespace

std::vector<MlcShard> ParseMlcCache(std::string_view text, std::string_view what) {
  const json cache = ParseJson(text, {.max_bytes = kMaxText, .max_depth = 8}, what);
  std::vector<MlcShard> shards;
  for (const json& entry : List(cache, "records", what)) {
    if (!entry.is_object()) throw Error(ErrorCode::kBadInput, "{}: records: expected objects", what);
    MlcShard& shard = shards.emplace_back();
    shard.file = GetString(entry, "dataPath", {}, what);
    if (!IsPlainFileName(shard.file)) {
      throw Error(ErrorCode::kBadInput, "{}: names the file \"{}\"; only plain file names are followed", what,
                  OneLine(shard.file, kMaxShown));
    }
    if (const std::string format = GetString(entry, "format", {}, what); format != "raw-shard") {
      throw Error(ErrorCode::kBadInput, "{}: {}: format \"{}\", expected raw-shard", what, shard.file,
                  OneLine(format, kMaxShown));
    }
    for (const json& record : List(entry, "records", what)) shard.records.push_back(ParseRecord(record, what));
  }
  return shards;
}

}  // namespace spate
