// The hyper-parameters of a GGUF file, which are the keys that begin with the architecture's name, read one by one;
// what nobody has read in the end decides something that this program does not do. One thread. All throw
// Error(kBadInput) with key, expected and got.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "checkpoint/gguf_metadata.h"

namespace spate {

class GgufHyper {
 public:
  // `metadata` outlives this object.
  GgufHyper(const GgufMetadata& metadata, std::string_view architecture)
      : metadata_(metadata), prefix_(std::string(architecture) + ".") {}

  // Keys are given without the architecture's name. An absent one yields nothing. A list with one value per layer
  // counts as that value when all are equal, and is an error when not.
  std::optional<int64_t> FindInt(std::string_view key, int64_t min, int64_t max);
  // What f32 holds becomes the shortest decimal number that rounds to it: 1e-05, not 9.999999747378752e-06.
  std::optional<double> FindFloat(std::string_view key, double min, double max);
  std::optional<bool> FindBool(std::string_view key);
  std::optional<std::string_view> FindString(std::string_view key);
  std::optional<std::vector<bool>> FindBools(std::string_view key, size_t max_count);  // a list

  int64_t GetInt(std::string_view key, int64_t min, int64_t max);  // must be there

  bool IsList(std::string_view key) const;

  // The key changes nothing, whatever its value.
  void Ignore(std::string_view key) { Mark(key); }
  // Names all keys that were not asked for.
  void RefuseTheRest() const;

  [[noreturn]] void Fail(std::string_view key, std::string_view problem) const { metadata_.Fail(Full(key), problem); }

 private:
  std::string Full(std::string_view key) const { return prefix_ + std::string(key); }
  const GgufValue* Mark(std::string_view key);  // null = absent

  const GgufMetadata& metadata_;
  std::string prefix_;
  std::set<std::string, std::less<>> read_;  // full keys
};

}  // namespace spate
