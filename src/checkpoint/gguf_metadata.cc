#include "checkpoint/gguf_metadata.h"

#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/utf8.h"

namespace spate {
namespace {

constexpr size_t kMaxShown = 60;

constexpr std::array<size_t, kGgufTypes> kSizes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
constexpr std::array<std::string_view, kGgufTypes> kNames = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                                             "bool", "string", "array", "u64", "i64", "f64"};

template <typename T>
T Load(const std::byte* at) {
  T value;  // through memcpy: metadata is not aligned; little endian, as is every machine this builds on
  std::memcpy(&value, at, sizeof(T));
  return value;
}

// Nothing if the type is no integer or the value above 2^63-1.
std::optional<int64_t> AsInt(GgufType type, const std::byte* at) {
  switch (type) {
    case GgufType::kU8:
      return Load<uint8_t>(at);
    case GgufType::kI8:
      return Load<int8_t>(at);
    case GgufType::kU16:
      return Load<uint16_t>(at);
    case GgufType::kI16:
      return Load<int16_t>(at);
    case GgufType::kU32:
      return Load<uint32_t>(at);
    case GgufType::kI32:
      return Load<int32_t>(at);
    case GgufType::kI64:
      return Load<int64_t>(at);
    case GgufType::kU64: {
      const uint64_t value = Load<uint64_t>(at);
      return std::in_range<int64_t>(value) ? std::optional(static_cast<int64_t>(value)) : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

// Nothing if the type is no number.
std::optional<double> AsFloat(GgufType type, const std::byte* at) {
  if (type == GgufType::kF32) return static_cast<double>(Load<float>(at));
  if (type == GgufType::kF64) return Load<double>(at);
  if (type == GgufType::kU64) return static_cast<double>(Load<uint64_t>(at));
  const std::optional<int64_t> value = AsInt(type, at);
  return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

std::string_view TextOf(const GgufValue& value) {
  return {reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()};
}

}  // namespace

size_t SizeOf(GgufType type) { return kSizes[static_cast<size_t>(type)]; }

std::string_view GgufStrings::Iterator::operator*() const {
  return {reinterpret_cast<const char*>(at_) + 8, Load<uint64_t>(at_)};
}

GgufStrings::Iterator& GgufStrings::Iterator::operator++() {
  at_ += 8 + Load<uint64_t>(at_);
  return *this;
}

std::string GgufValue::Describe() const {
  const std::string_view name = kNames[static_cast<size_t>(type)];
  if (is_list) return fmt::format("a list of {} {}{}", count, name, count == 1 ? "" : "s");
  if (type == GgufType::kString) return fmt::format("\"{}\"", OneLine(TextOf(*this), kMaxShown));
  if (type == GgufType::kBool) return bytes[0] == std::byte{0} ? "false" : "true";
  if (const auto whole = AsInt(type, bytes.data())) return fmt::format("{}", *whole);
  return fmt::format("{}", AsFloat(type, bytes.data()).value_or(0));
}

const GgufValue* GgufMetadata::Find(std::string_view key) const {
  const auto it = values_.find(key);
  return it == values_.end() ? nullptr : &it->second;
}

void GgufMetadata::Fail(std::string_view key, std::string_view problem) const {
  throw Error(ErrorCode::kBadInput, "{}: {}: {}", what_, OneLine(key, kMaxShown), problem);
}

int64_t GgufMetadata::GetInt(std::string_view key, std::optional<int64_t> fallback, int64_t min, int64_t max) const {
  const GgufValue* value = Find(key);
  if (value == nullptr && fallback) return *fallback;
  const std::string expected = fmt::format("expected an integer in [{}, {}]", min, max);
  if (value == nullptr) Fail(key, fmt::format("missing; {}", expected));
  const std::optional<int64_t> whole = value->is_list ? std::nullopt : AsInt(value->type, value->bytes.data());
  if (!whole || *whole < min || *whole > max) Fail(key, fmt::format("{}, got {}", expected, value->Describe()));
  return *whole;
}

double GgufMetadata::GetFloat(std::string_view key, std::optional<double> fallback, double min, double max) const {
  const GgufValue* value = Find(key);
  if (value == nullptr && fallback) return *fallback;
  const std::string expected = fmt::format("expected a number in [{}, {}]", min, max);
  if (value == nullptr) Fail(key, fmt::format("missing; {}", expected));
  const std::optional<double> number = value->is_list ? std::nullopt : AsFloat(value->type, value->bytes.data());
  if (!number || !(*number >= min && *number <= max)) {
    Fail(key, fmt::format("{}, got {}", expected, value->Describe()));
  }
  return *number;
}

bool GgufMetadata::GetBool(std::string_view key, std::optional<bool> fallback) const {
  const GgufValue* value = Find(key);
  if (value == nullptr && fallback) return *fallback;
  if (value == nullptr) Fail(key, "missing; expected true or false");
  if (value->is_list || value->type != GgufType::kBool) {
    Fail(key, fmt::format("expected true or false, got {}", value->Describe()));
  }
  return value->bytes[0] != std::byte{0};
}

std::string_view GgufMetadata::GetString(std::string_view key, std::optional<std::string_view> fallback) const {
  const GgufValue* value = Find(key);
  if (value == nullptr && fallback) return *fallback;
  if (value == nullptr) Fail(key, "missing; expected a string");
  if (value->is_list || value->type != GgufType::kString) {
    Fail(key, fmt::format("expected a string, got {}", value->Describe()));
  }
  return TextOf(*value);
}

const GgufValue* GgufMetadata::FindList(std::string_view key, std::string_view expected, size_t max_count) const {
  const GgufValue* value = Find(key);
  if (value == nullptr) return nullptr;
  if (!value->is_list) Fail(key, fmt::format("expected {}, got {}", expected, value->Describe()));
  if (value->count > max_count) Fail(key, fmt::format("{} elements, expected at most {}", value->count, max_count));
  return value;
}

std::optional<GgufStrings> GgufMetadata::FindStrings(std::string_view key) const {
  const GgufValue* value = FindList(key, "a list of strings", SIZE_MAX);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::kString) {
    Fail(key, fmt::format("expected a list of strings, got {}", value->Describe()));
  }
  return GgufStrings(value->bytes, value->count);
}

std::optional<std::vector<int64_t>> GgufMetadata::FindInts(std::string_view key, size_t max_count) const {
  const GgufValue* value = FindList(key, "a list of integers", max_count);
  if (value == nullptr) return std::nullopt;
  std::vector<int64_t> ints;
  ints.reserve(value->count);
  for (size_t i = 0; i < value->count; ++i) {
    const std::optional<int64_t> whole = AsInt(value->type, value->bytes.data() + i * SizeOf(value->type));
    if (!whole) Fail(key, fmt::format("expected a list of integers, got {}", value->Describe()));
    ints.push_back(*whole);
  }
  return ints;
}

std::optional<std::vector<float>> GgufMetadata::FindFloats(std::string_view key, size_t max_count) const {
  const GgufValue* value = FindList(key, "a list of numbers", max_count);
  if (value == nullptr) return std::nullopt;
  std::vector<float> numbers;
  numbers.reserve(value->count);
  for (size_t i = 0; i < value->count; ++i) {
    const std::optional<double> number = AsFloat(value->type, value->bytes.data() + i * SizeOf(value->type));
    // Beyond float's range the conversion is undefined; NaN and infinity pass, the caller knows what it can use.
    if (!number || (std::isfinite(*number) && std::abs(*number) > 3.4e38)) {
      Fail(key, fmt::format("expected a list of numbers in f32's range, got {}", value->Describe()));
    }
    numbers.push_back(static_cast<float>(*number));
  }
  return numbers;
}

std::optional<std::vector<bool>> GgufMetadata::FindBools(std::string_view key, size_t max_count) const {
  const GgufValue* value = FindList(key, "a list of true and false", max_count);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::kBool) {
    Fail(key, fmt::format("expected a list of true and false, got {}", value->Describe()));
  }
  std::vector<bool> bools;
  for (const std::byte b : value->bytes) bools.push_back(b != std::byte{0});
  return bools;
}

std::optional<std::string_view> GgufMetadata::FindBytes(std::string_view key) const {
  const GgufValue* value = FindList(key, "a list of bytes", SIZE_MAX);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::kU8 && value->type != GgufType::kI8) {
    Fail(key, fmt::format("expected a list of bytes, got {}", value->Describe()));
  }
  return TextOf(*value);
}

}  // namespace spate
