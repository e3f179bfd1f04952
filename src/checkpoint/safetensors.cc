#include "checkpoint/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/math_util.h"
#include "checkpoint/shards.h"

namespace spate {
namespace {

constexpr uint64_t kMaxHeader = 100'000'000;  // the reference implementation's own limit
constexpr size_t kMaxRank = 8;

struct DTypeName {
  std::string_view spelling;
  DType dtype;
};
constexpr std::array kDTypes = {
    DTypeName{"F32", DType::kF32},   DTypeName{"F16", DType::kF16},        DTypeName{"BF16", DType::kBF16},
    DTypeName{"F64", DType::kF64},   DTypeName{"I8", DType::kI8},          DTypeName{"U8", DType::kU8},
    DTypeName{"I16", DType::kI16},   DTypeName{"U16", DType::kU16},        DTypeName{"I32", DType::kI32},
    DTypeName{"U32", DType::kU32},   DTypeName{"I64", DType::kI64},        DTypeName{"U64", DType::kU64},
    DTypeName{"BOOL", DType::kBool}, DTypeName{"F8_E4M3", DType::kF8E4M3}, DTypeName{"F8_E5M2", DType::kF8E5M2},
};

// A tensor's name in a message: untrusted, so shortened and without control characters.
std::string Shown(std::string_view name) {
  std::string shown;
  for (const char c : name.substr(0, 80)) shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return name.size() > 80 ? shown + "..." : shown;
}

[[noreturn]] void Bad(std::string_view file, std::string_view tensor, std::string_view problem) {
  throw Error(ErrorCode::kBadInput, "{}: tensor \"{}\": {}", file, Shown(tensor), problem);
}

uint64_t Unsigned(const nlohmann::json& value, std::string_view file, std::string_view tensor, std::string_view field) {
  if (!value.is_number_unsigned()) {
    Bad(file, tensor, fmt::format("{}: expected a whole number from 0 to 2^64-1", field));
  }
  return value.get<uint64_t>();
}

// Element count of `shape`, or nothing when the product overflows.
std::optional<uint64_t> Elements(const std::vector<uint64_t>& shape) {
  uint64_t count = 1;
  for (const uint64_t dim : shape) {
    const std::optional<uint64_t> next = CheckedMul(count, dim);
    if (!next || *next > uint64_t{1} << 62) return std::nullopt;
    count = *next;
  }
  return count;
}

TensorView ParseTensor(const nlohmann::json& entry, std::span<const std::byte> data, std::string_view file,
                       std::string_view name) {
  if (!entry.is_object()) Bad(file, name, "expected an object with dtype, shape and data_offsets");
  const auto dtype = entry.find("dtype");
  const auto shape = entry.find("shape");
  const auto offsets = entry.find("data_offsets");
  if (dtype == entry.end() || shape == entry.end() || offsets == entry.end()) {
    Bad(file, name, "dtype, shape or data_offsets is missing");
  }

  TensorView view;
  const auto* known = dtype->is_string() ? std::find_if(kDTypes.begin(), kDTypes.end(),
                                                        [&](const DTypeName& d) { return *dtype == d.spelling; })
                                         : kDTypes.end();
  if (known == kDTypes.end()) {
    Bad(file, name,
        fmt::format("dtype {} is not one this program knows (F32, F16, BF16, F64, I8 to U64, BOOL, F8_E4M3, F8_E5M2)",
                    Shown(dtype->dump(-1, ' ', true, nlohmann::json::error_handler_t::replace))));
  }
  view.dtype = known->dtype;

  if (!shape->is_array() || shape->size() > kMaxRank) {
    Bad(file, name, fmt::format("shape: expected a list of at most {} sizes", kMaxRank));
  }
  std::vector<uint64_t> dims;
  for (const auto& dim : *shape) dims.push_back(Unsigned(dim, file, name, "shape"));
  const std::optional<uint64_t> elements = Elements(dims);
  const size_t element_bytes = static_cast<size_t>(Traits(view.dtype).block_bytes);
  const std::optional<uint64_t> bytes = elements ? CheckedMul(*elements, uint64_t{element_bytes}) : std::nullopt;
  if (!bytes) Bad(file, name, fmt::format("shape {} overflows", shape->dump()));

  if (!offsets->is_array() || offsets->size() != 2) Bad(file, name, "data_offsets: expected [begin, end]");
  const uint64_t begin = Unsigned((*offsets)[0], file, name, "data_offsets");
  const uint64_t end = Unsigned((*offsets)[1], file, name, "data_offsets");
  if (begin > end || end > data.size()) {
    Bad(file, name,
        fmt::format("data_offsets [{}, {}] leave the {} bytes of tensor data that the file holds (truncated download?)",
                    begin, end, data.size()));
  }
  if (end - begin != *bytes) {
    Bad(file, name,
        fmt::format("{} {} needs {} bytes, data_offsets [{}, {}] hold {}", Name(view.dtype), shape->dump(), *bytes,
                    begin, end, end - begin));
  }
  if (begin % element_bytes != 0) {
    Bad(file, name, fmt::format("data offset {} is not aligned to its {}-byte elements", begin, element_bytes));
  }
  for (const uint64_t dim : dims) view.shape.push_back(static_cast<int64_t>(dim));
  view.bytes = data.subspan(begin, end - begin);
  return view;
}

// The format demands that the tensors tile the data section exactly.
void CheckTiling(const TensorMap& tensors, std::span<const std::byte> data, std::string_view file) {
  std::vector<const TensorMap::value_type*> order;
  for (const auto& item : tensors) order.push_back(&item);
  // Empty tensors sort before the one that begins where they do.
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    const TensorView &x = a->second, &y = b->second;
    return x.bytes.data() != y.bytes.data() ? x.bytes.data() < y.bytes.data() : x.bytes.size() < y.bytes.size();
  });
  size_t expected = 0;
  for (const auto* item : order) {
    const size_t begin = static_cast<size_t>(item->second.bytes.data() - data.data());
    if (begin < expected) {
      Bad(file, item->first,
          fmt::format("begins at byte {} of the data, inside the tensor before it, which ends at {}", begin, expected));
    }
    if (begin > expected) {
      Bad(file, item->first,
          fmt::format("begins at byte {} of the data, but nothing covers bytes {} to {}", begin, expected, begin));
    }
    expected = begin + item->second.bytes.size();
  }
  if (expected != data.size()) {
    throw Error(ErrorCode::kBadInput,
                "{}: the header describes {} bytes of tensors, the file holds {} (damaged, or two files in one?)", file,
                expected, data.size());
  }
}

}  // namespace

TensorMap ParseSafetensors(std::span<const std::byte> bytes, std::string_view file) {
  if (bytes.size() < 8) {
    throw Error(ErrorCode::kBadInput, "{}: not a safetensors file: {} bytes, the header alone needs 8", file,
                bytes.size());
  }
  uint64_t header_size;
  std::memcpy(&header_size, bytes.data(), 8);  // little endian, as is every machine this builds on
  const uint64_t rest = bytes.size() - 8;
  if (header_size > kMaxHeader) {
    throw Error(ErrorCode::kBadInput, "{}: not a safetensors file: its header claims {} bytes, at most {} are allowed",
                file, header_size, kMaxHeader);
  }
  if (header_size > rest) {
    throw Error(ErrorCode::kBadInput, "{}: header of {} bytes in a file of {} (truncated download?)", file, header_size,
                bytes.size());
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 8, header_size);
  const nlohmann::json header =
      ParseJson(text, {.max_bytes = kMaxHeader, .max_depth = 8}, fmt::format("{}: header", file));
  if (!header.is_object()) throw Error(ErrorCode::kBadInput, "{}: header: expected a JSON object", file);

  const std::span<const std::byte> data = bytes.subspan(8 + header_size);
  TensorMap tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;  // free text for people
    tensors.emplace(name, ParseTensor(entry, data, file, name));
  }
  if (tensors.empty()) throw Error(ErrorCode::kBadInput, "{}: holds no tensors", file);
  CheckTiling(tensors, data, file);
  return tensors;
}

SafetensorsIndex ParseSafetensorsIndex(std::string_view text, std::string_view file) {
  const nlohmann::json json = ParseJson(text, {.max_bytes = kMaxHeader, .max_depth = 8}, file);
  const auto map = json.is_object() ? json.find("weight_map") : json.end();
  if (!json.is_object() || map == json.end() || !map->is_object() || map->empty()) {
    throw Error(ErrorCode::kBadInput, "{}: expected a \"weight_map\" from tensor names to files", file);
  }
  SafetensorsIndex index;
  for (const auto& [name, shard] : map->items()) {
    if (!shard.is_string())
      throw Error(ErrorCode::kBadInput, "{}: weight_map: \"{}\": expected a file name", file, Shown(name));
    const auto& shard_name = shard.get_ref<const std::string&>();
    if (!IsPlainFileName(shard_name)) {
      throw Error(ErrorCode::kBadInput,
                  "{}: weight_map: \"{}\" names the file \"{}\", which is not in this folder; only plain file names "
                  "are followed",
                  file, Shown(name), Shown(shard_name));
    }
    index.weight_map.emplace(name, shard_name);
  }
  if (const auto metadata = json.find("metadata"); metadata != json.end() && metadata->is_object()) {
    if (const auto size = metadata->find("total_size"); size != metadata->end()) {
      // Some writers store it as a float: 1.6e10.
      if (size->is_number() && size->get<double>() >= 0 && size->get<double>() < 9e18) {
        index.total_size = size->get<int64_t>();
      } else {
        throw Error(ErrorCode::kBadInput, "{}: metadata: total_size: expected a number of bytes", file);
      }
    }
  }
  return index;
}

}  // namespace spate
