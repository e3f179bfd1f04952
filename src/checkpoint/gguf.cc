#include "checkpoint/gguf.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <set>
#include <string>
#include <unordered_set>

#include "base/error.h"
#include "base/math_util.h"
#include "base/utf8.h"
#include "checkpoint/gguf_cursor.h"

namespace spate {
namespace {

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr uint64_t kMaxDims = 4;         // the format's own limit
constexpr size_t kMaxName = 1024;        // of a tensor; the format says 64
constexpr size_t kMaxKey = 65535;        // the format's own limit
// Far above any model, and what they need in memory stays below 64 MiB.
constexpr uint64_t kMaxKeys = 100'000;
constexpr uint64_t kMaxTensors = 200'000;
constexpr int64_t kDefaultAlignment = 32;
constexpr int64_t kMinAlignment = 8;  // every number format lies aligned then
constexpr int64_t kMaxAlignment = 1 << 20;
// What the smallest ones take in the file.
constexpr size_t kMinKeyBytes = 8 + 1 + 4 + 1;
constexpr size_t kMinTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;

std::string Show(std::string_view text) { return OneLine(text, 80); }

void TakeHeader(GgufCursor* cursor) {
  const uint32_t magic = cursor->Take<uint32_t>("the magic number");
  if (magic != kMagic) {
    // The formats before GGUF spelled their names backwards.
    const bool older = magic == 0x67676d6c || magic == 0x67676d66 || magic == 0x67676a74;
    cursor->Fail(0,
                 older ? "a GGML file, the format before GGUF; convert the original model again" : "not a GGUF file");
  }
  const uint32_t version = cursor->Take<uint32_t>("the version");
  if (version == 2 || version == 3) return;
  if ((version & 0xffff) == 0) {
    cursor->Fail(4, fmt::format("a big-endian file (version field 0x{:08x}); supported is little-endian", version));
  }
  cursor->Fail(4, fmt::format("GGUF version {}, supported are 2 and 3{}", version,
                              version == 1 ? "; convert the original model again" : ""));
}

GgufType TakeType(GgufCursor* cursor, std::string_view key) {
  const size_t at = cursor->position();
  const uint32_t type = cursor->Take<uint32_t>("a value's type");
  if (type >= kGgufTypes) {
    cursor->Fail(at, fmt::format("{}: value of unknown type {}, expected 0 to {}", Show(key), type, kGgufTypes - 1));
  }
  return static_cast<GgufType>(type);
}

void CheckBools(const GgufCursor& cursor, std::string_view key, std::span<const std::byte> bytes) {
  const auto bad = std::ranges::find_if(bytes, [](std::byte b) { return b > std::byte{1}; });
  if (bad == bytes.end()) return;
  const size_t at = cursor.position() - static_cast<size_t>(bytes.end() - bad);
  cursor.Fail(at, fmt::format("{}: a bool of value {}, expected 0 or 1", Show(key), std::to_integer<int>(*bad)));
}

// Walks along the strings, so that later walks need no checks.
GgufValue TakeStrings(GgufCursor* cursor, std::span<const std::byte> all, uint64_t count) {
  const size_t begin = cursor->position();
  for (uint64_t i = 0; i < count; ++i) cursor->TakeString(std::numeric_limits<uint64_t>::max(), "a string of a list");
  return {GgufType::kString, true, count, all.subspan(begin, cursor->position() - begin)};
}

GgufValue TakeValue(GgufCursor* cursor, std::span<const std::byte> all, std::string_view key) {
  GgufType type = TakeType(cursor, key);
  if (type == GgufType::kString) {
    const std::string_view text = cursor->TakeString(std::numeric_limits<uint64_t>::max(), "a string");
    return {type, false, 1, {reinterpret_cast<const std::byte*>(text.data()), text.size()}};
  }
  uint64_t count = 1;
  const bool is_list = type == GgufType::kArray;
  if (is_list) {
    const size_t at = cursor->position();
    type = TakeType(cursor, key);
    if (type == GgufType::kArray) cursor->Fail(at, fmt::format("{}: lists of lists are not supported", Show(key)));
    const size_t size = type == GgufType::kString ? 8 : SizeOf(type);
    count = cursor->TakeCount(size, std::numeric_limits<uint64_t>::max(), "the length of a list");
    if (type == GgufType::kString) return TakeStrings(cursor, all, count);
  }
  const std::span<const std::byte> bytes = cursor->Take(count * SizeOf(type), "a value");
  if (type == GgufType::kBool) CheckBools(*cursor, key, bytes);
  return {type, is_list, count, bytes};
}

void TakeMetadata(GgufCursor* cursor, std::span<const std::byte> all, uint64_t keys, GgufMetadata* metadata) {
  for (uint64_t i = 0; i < keys; ++i) {
    const size_t at = cursor->position();
    const std::string_view key = cursor->TakeString(kMaxKey, "a key");
    if (key.empty()) cursor->Fail(at, "an empty key");
    const GgufValue value = TakeValue(cursor, all, key);
    if (!metadata->Add(key, value)) cursor->Fail(at, fmt::format("key \"{}\" occurs twice", Show(key)));
  }
}

// A tensor whose bytes are not known yet.
struct Placed {
  GgufTensor tensor;
  uint64_t offset;  // from the beginning of the data
  uint64_t size;
  size_t at;  // where the file speaks of it
};

Placed TakeTensor(GgufCursor* cursor) {
  Placed placed{.tensor = {}, .offset = 0, .size = 0, .at = cursor->position()};
  GgufTensor& tensor = placed.tensor;
  tensor.name = cursor->TakeString(kMaxName, "a tensor's name");
  const auto fail = [&](const std::string& problem) {
    cursor->Fail(placed.at, fmt::format("tensor \"{}\": {}", Show(tensor.name), problem));
  };
  if (tensor.name.empty() || !IsValidUtf8(tensor.name)) fail("a name must be UTF-8 and not empty");
  const uint32_t dims = cursor->Take<uint32_t>("a tensor's rank");
  if (dims == 0 || dims > kMaxDims) fail(fmt::format("rank {}, expected 1 to {}", dims, kMaxDims));
  std::vector<uint64_t> sizes;
  for (uint32_t i = 0; i < dims; ++i) sizes.push_back(cursor->Take<uint64_t>("a tensor's shape"));
  const uint32_t id = cursor->Take<uint32_t>("a tensor's number format");
  placed.offset = cursor->Take<uint64_t>("a tensor's offset");

  tensor.type = FindGgufTensorType(id);
  if (tensor.type == nullptr) fail(fmt::format("number format {} is not known", id));
  uint64_t elements = 1;
  for (const uint64_t size : sizes) {
    const std::optional<uint64_t> product = CheckedMul(elements, size);
    if (!product || *product == 0 || *product > uint64_t{1} << 60) {
      fail(fmt::format("impossible shape [{}]", fmt::join(sizes, ", ")));
    }
    elements = *product;
  }
  const uint64_t block = static_cast<uint64_t>(tensor.type->block_elements);
  if (sizes[0] % block != 0) {
    fail(fmt::format("rows of {} values in {}, whose blocks are {} values long", sizes[0], tensor.type->name, block));
  }
  const auto size = CheckedMul(elements / block, static_cast<uint64_t>(tensor.type->block_bytes));
  if (!size) fail(fmt::format("impossible shape [{}]", fmt::join(sizes, ", ")));
  placed.size = *size;
  for (auto it = sizes.rbegin(); it != sizes.rend(); ++it) tensor.shape.push_back(static_cast<int64_t>(*it));
  return placed;
}

// Gives each tensor its bytes of `data`.
void PlaceTensors(const GgufCursor& cursor, std::span<const std::byte> data, uint64_t alignment,
                  std::vector<Placed>& placed) {
  std::unordered_set<std::string_view> names;
  for (Placed& p : placed) {
    const auto fail = [&](const std::string& problem) {
      cursor.Fail(p.at, fmt::format("tensor \"{}\": {}", Show(p.tensor.name), problem));
    };
    if (!names.insert(p.tensor.name).second) fail("occurs twice");
    if (p.offset % alignment != 0) fail(fmt::format("offset {} is no multiple of {}", p.offset, alignment));
    if (p.offset > data.size() || p.size > data.size() - p.offset) {
      fail(fmt::format("{} bytes from {}, the file holds {} bytes of tensors (truncated download?)", p.size, p.offset,
                       data.size()));
    }
    p.tensor.bytes = data.subspan(p.offset, p.size);
  }
  std::vector<const Placed*> order;
  for (const Placed& p : placed) order.push_back(&p);
  std::ranges::sort(order, {}, &Placed::offset);
  for (size_t i = 1; i < order.size(); ++i) {
    const Placed &before = *order[i - 1], &after = *order[i];
    if (after.offset - before.offset >= before.size) continue;
    cursor.Fail(after.at,
                fmt::format("tensors \"{}\" and \"{}\" overlap", Show(before.tensor.name), Show(after.tensor.name)));
  }
}

}  // namespace

const GgufTensor* GgufFile::Find(std::string_view tensor) const {
  const auto it = std::ranges::find(tensors, tensor, &GgufTensor::name);
  return it == tensors.end() ? nullptr : &*it;
}

bool IsGguf(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 && std::memcmp(bytes.data(), &kMagic, 4) == 0;
}

GgufFile ParseGguf(std::span<const std::byte> bytes, std::string_view what) {
  GgufFile file(what);
  GgufCursor cursor(bytes, what);
  TakeHeader(&cursor);
  const uint64_t tensors = cursor.TakeCount(kMinTensorBytes, kMaxTensors, "the number of tensors");
  const uint64_t keys = cursor.TakeCount(kMinKeyBytes, kMaxKeys, "the number of keys");
  TakeMetadata(&cursor, bytes, keys, &file.metadata);
  const int64_t alignment = file.metadata.GetInt("general.alignment", kDefaultAlignment, kMinAlignment, kMaxAlignment);
  if (!std::has_single_bit(static_cast<uint64_t>(alignment))) {
    file.metadata.Fail("general.alignment", fmt::format("expected a power of two, got {}", alignment));
  }
  std::vector<Placed> placed;  // not reserved: each is several times the bytes in which a file can claim it
  for (uint64_t i = 0; i < tensors; ++i) placed.push_back(TakeTensor(&cursor));
  // A file without tensors may end before the padding.
  const size_t begin = std::min(AlignUp(cursor.position(), static_cast<size_t>(alignment)), bytes.size());
  PlaceTensors(cursor, bytes.subspan(begin), static_cast<uint64_t>(alignment), placed);
  file.tensors.reserve(placed.size());
  for (Placed& p : placed) file.tensors.push_back(std::move(p.tensor));
  return file;
}

TensorMap TensorsOf(const GgufFile& file) {
  TensorMap map;
  std::set<std::string_view> refused;
  for (const GgufTensor& tensor : file.tensors) {
    if (!tensor.type->dtype) {
      refused.insert(tensor.type->name);
      continue;
    }
    map.emplace(std::string(tensor.name), TensorView{*tensor.type->dtype, tensor.shape, tensor.bytes});
  }
  if (!refused.empty()) {
    throw Error(ErrorCode::kBadInput,
                "{}: holds tensors in {}, which cannot be computed with here; supported are F32, F16, BF16, Q4_0, "
                "Q4_1, Q5_0, Q5_1, Q8_0, Q2_K to Q6_K, IQ4_NL and IQ4_XS: take the model in one of these",
                file.what(), fmt::join(refused, ", "));
  }
  return map;
}

}  // namespace spate
