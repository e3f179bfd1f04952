#include "base/ordered_json.h"

#include "base/error.h"

namespace spate {
namespace {

constexpr size_t kMaxKeys = 1000;

void CheckKeys(const nlohmann::json& value, std::string_view what) {
  if (!value.is_structured()) return;
  if (value.is_object() && value.size() > kMaxKeys) {
    throw Error(ErrorCode::kBadInput, "{}: an object with {} keys, at most {} are read", what, value.size(), kMaxKeys);
  }
  for (const auto& item : value) CheckKeys(item, what);
}

}  // namespace

nlohmann::ordered_json ParseOrderedJson(std::string_view text, const JsonLimits& limits, std::string_view what) {
  CheckKeys(ParseJson(text, limits, what), what);  // everything that can be wrong is wrong here already
  return nlohmann::ordered_json::parse(text);
}

}  // namespace spate
