#include "checkpoint/gguf_hyper.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/utf8.h"

namespace spate {
namespace {

constexpr size_t kMaxListed = 4096;  // values of a list with one for each layer

double ShortestDecimal(double value) {
  const auto narrow = static_cast<float>(value);
  if (static_cast<double>(narrow) != value) return value;
  const std::string text = fmt::format("{}", narrow);
  double decimal = value;
  std::from_chars(text.data(), text.data() + text.size(), decimal);
  return decimal;
}

}  // namespace

const GgufValue* GgufHyper::Mark(std::string_view key) {
  const std::string full = Full(key);
  const GgufValue* value = metadata_.Find(full);
  if (value != nullptr) read_.insert(full);
  return value;
}

std::optional<int64_t> GgufHyper::FindInt(std::string_view key, int64_t min, int64_t max) {
  const GgufValue* value = Mark(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_list) return metadata_.GetInt(Full(key), std::nullopt, min, max);
  const std::vector<int64_t> list = *metadata_.FindInts(Full(key), kMaxListed);
  if (list.empty() || list[0] < min || list[0] > max) {
    Fail(key, fmt::format("expected integers in [{}, {}], got {}{}", min, max, value->Describe(),
                          list.empty() ? "" : fmt::format(" that begins with {}", list[0])));
  }
  const auto other = std::ranges::find_if(list, [&](int64_t i) { return i != list[0]; });
  if (other != list.end()) {
    Fail(key, fmt::format("layers differ ({} and {}), which is not supported", list[0], *other));
  }
  return list[0];
}

std::optional<double> GgufHyper::FindFloat(std::string_view key, double min, double max) {
  if (Mark(key) == nullptr) return std::nullopt;
  return ShortestDecimal(metadata_.GetFloat(Full(key), std::nullopt, min, max));
}

std::optional<bool> GgufHyper::FindBool(std::string_view key) {
  if (Mark(key) == nullptr) return std::nullopt;
  return metadata_.GetBool(Full(key), std::nullopt);
}

std::optional<std::string_view> GgufHyper::FindString(std::string_view key) {
  if (Mark(key) == nullptr) return std::nullopt;
  return metadata_.GetString(Full(key), std::nullopt);
}

std::optional<std::vector<bool>> GgufHyper::FindBools(std::string_view key, size_t max_count) {
  Mark(key);
  return metadata_.FindBools(Full(key), max_count);
}

bool GgufHyper::IsList(std::string_view key) const {
  const GgufValue* value = metadata_.Find(Full(key));
  return value != nullptr && value->is_list;
}

int64_t GgufHyper::GetInt(std::string_view key, int64_t min, int64_t max) {
  if (const auto value = FindInt(key, min, max)) return *value;
  return metadata_.GetInt(Full(key), std::nullopt, min, max);  // says that it is missing
}

void GgufHyper::RefuseTheRest() const {
  std::string unknown;
  for (const auto& [key, value] : metadata_.values()) {
    if (!key.starts_with(prefix_) || read_.contains(key)) continue;
    unknown += fmt::format("{}{} = {}", unknown.empty() ? "" : ", ", OneLine(key, 80), value.Describe());
    if (unknown.size() > 400) break;
  }
  if (unknown.empty()) return;
  throw Error(ErrorCode::kBadInput,
              "{}: settings that this program does not know, so that it would compute something "
              "else: {}",
              metadata_.what(), unknown);
}

}  // namespace spate
