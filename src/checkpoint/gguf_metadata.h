// The metadata of a GGUF file: typed values by key. Everything is a view into the file's bytes, which outlive it;
// values are read where they lie, so a list of 200,000 strings costs nothing until someone walks along it.
// Immutable and thread-safe after the parser has filled it.
//
//   const int64_t layers = metadata.GetInt("llama.block_count", std::nullopt, 1, 4096);
//   -> model.gguf: llama.block_count: expected an integer in [1, 4096], got a string
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spate {

// Numbers are the file's.
enum class GgufType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12
};
inline constexpr uint32_t kGgufTypes = 13;

// Bytes of one value; 0 for kString and kArray, which have no fixed size.
size_t SizeOf(GgufType type);

// A list of strings as it lies in the file, each a length of 8 bytes and then its bytes; checked by the parser.
class GgufStrings {
 public:
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using pointer = const std::string_view*;
    using reference = std::string_view;

    Iterator() = default;
    explicit Iterator(const std::byte* at) : at_(at) {}
    std::string_view operator*() const;
    Iterator& operator++();
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const std::byte* at_ = nullptr;
  };

  GgufStrings() = default;
  GgufStrings(std::span<const std::byte> bytes, size_t count) : bytes_(bytes), count_(count) {}

  size_t size() const { return count_; }
  Iterator begin() const { return Iterator(bytes_.data()); }
  Iterator end() const { return Iterator(bytes_.data() + bytes_.size()); }

 private:
  std::span<const std::byte> bytes_;
  size_t count_ = 0;
};

struct GgufValue {
  GgufType type = GgufType::kU8;     // of the value, or of a list's elements
  bool is_list = false;              // an array
  size_t count = 1;                  // of elements
  std::span<const std::byte> bytes;  // of all elements; of a string without its length

  std::string Describe() const;  // for messages: `12`, `"x"`, `a list of 3 strings`
};

class GgufMetadata {
 public:
  // `what` names the file in messages.
  explicit GgufMetadata(std::string_view what) : what_(what) {}

  // False if the key is there already. The key is a view into the file.
  bool Add(std::string_view key, GgufValue value) { return values_.emplace(key, value).second; }

  const GgufValue* Find(std::string_view key) const;  // null = absent
  const std::map<std::string_view, GgufValue>& values() const { return values_; }
  const std::string& what() const { return what_; }

  // With a fallback an absent key yields it; without one that is an error that says which. A wrong type or value
  // always is one: Error(kBadInput). GetInt takes every integer type, GetFloat every finite number.
  int64_t GetInt(std::string_view key, std::optional<int64_t> fallback, int64_t min, int64_t max) const;
  double GetFloat(std::string_view key, std::optional<double> fallback, double min, double max) const;
  bool GetBool(std::string_view key, std::optional<bool> fallback) const;
  std::string_view GetString(std::string_view key, std::optional<std::string_view> fallback) const;

  // Lists; nullopt when the key is absent. More than `max_count` elements are an error too.
  std::optional<GgufStrings> FindStrings(std::string_view key) const;
  std::optional<std::vector<int64_t>> FindInts(std::string_view key, size_t max_count) const;
  std::optional<std::vector<float>> FindFloats(std::string_view key, size_t max_count) const;
  std::optional<std::vector<bool>> FindBools(std::string_view key, size_t max_count) const;
  std::optional<std::string_view> FindBytes(std::string_view key) const;  // a list of 8-bit integers

  [[noreturn]] void Fail(std::string_view key, std::string_view problem) const;

 private:
  const GgufValue* FindList(std::string_view key, std::string_view expected, size_t max_count) const;

  std::string what_;
  std::map<std::string_view, GgufValue> values_;
};

}  // namespace spate
