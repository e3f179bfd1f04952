#include "base/json.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "base/mmap_file.h"
#include "base/utf8.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr size_t kShownBytes = 60;    // of a value
constexpr size_t kReasonBytes = 240;  // of the parser's words, which quote the input

// Depth and number of values, before the parser builds anything. Wherever the text is valid this sees the same nesting
// as the parser, and where it is not the parser stops.
void CheckLimits(std::string_view text, const JsonLimits& limits, std::string_view what) {
  int depth = 0;
  size_t values = 1;
  for (size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '"':
        for (++i; i < text.size() && text[i] != '"'; ++i) {
          if (text[i] == '\\') ++i;
        }
        break;
      case '[':
      case '{':
        if (++depth > limits.max_depth) {
          throw Error(ErrorCode::kBadInput, "{}: nested deeper than {} levels at byte {}", what, limits.max_depth, i);
        }
        ++values;
        break;
      case ']':
      case '}':
        --depth;
        break;
      case ',':
        ++values;
        break;
      default:
        break;
    }
  }
  if (values > limits.max_values) {
    throw Error(ErrorCode::kBadInput, "{}: more than {} values", what, limits.max_values);
  }
}

// "[json.exception.parse_error.101] parse error at ..." without the bracket.
std::string ParserReason(const json::exception& error) {
  const std::string_view text(error.what());
  const size_t bracket = text.find("] ");
  return OneLine(bracket == std::string_view::npos ? text : text.substr(bracket + 2), kReasonBytes);
}

std::string KeyPath(std::string_view key, std::string_view what) {
  return fmt::format("{}: {}", what, OneLine(key, kShownBytes));
}

[[noreturn]] void ThrowExpected(std::string_view key, std::string_view what, std::string_view expected,
                                const json& got) {
  throw Error(ErrorCode::kBadInput, "{}: expected {}, got {}", KeyPath(key, what), expected, DescribeJson(got));
}

[[noreturn]] void ThrowAbsent(const json& object, std::string_view key, std::string_view what,
                              std::string_view expected) {
  throw Error(ErrorCode::kBadInput, "{}: expected {}, got {}", KeyPath(key, what), expected,
              object.contains(key) ? "null" : "nothing: the key is missing");
}

bool IsWhole(double value) { return std::abs(value) < 0x1p63 && std::trunc(value) == value; }

std::optional<int64_t> AsInteger(const json& value) {
  if (value.is_number_unsigned()) {
    const uint64_t number = value.get<uint64_t>();
    if (number > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
    return static_cast<int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  if (value.is_number_float() && IsWhole(value.get<double>())) return static_cast<int64_t>(value.get<double>());
  return std::nullopt;
}

}  // namespace

json ParseJson(std::string_view text, const JsonLimits& limits, std::string_view what) {
  if (text.size() > limits.max_bytes) {
    throw Error(ErrorCode::kBadInput, "{}: {} bytes of JSON, at most {} are read", what, text.size(), limits.max_bytes);
  }
  const size_t valid = ValidUtf8Prefix(text);
  if (valid != text.size()) {
    throw Error(ErrorCode::kBadInput, "{}: invalid UTF-8 at byte {}", what, valid);
  }
  CheckLimits(text, limits, what);
  try {
    return json::parse(text);
  } catch (const json::parse_error& error) {
    throw Error(ErrorCode::kBadInput, "{}: {} (byte {})", what, ParserReason(error), error.byte);
  } catch (const json::exception& error) {  // a number that no double holds
    throw Error(ErrorCode::kBadInput, "{}: {}", what, ParserReason(error));
  }
}

json ReadJsonFile(const std::string& path, const JsonLimits& limits) {
  return ParseJson(ReadTextFile(path, limits.max_bytes), limits, path);
}

const json* FindField(const json& object, std::string_view key, std::string_view what) {
  if (!object.is_object()) {
    throw Error(ErrorCode::kBadInput, "{}: expected an object, got {}", what, DescribeJson(object));
  }
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

const json* FindObject(const json& object, std::string_view key, std::string_view what) {
  const json* value = FindField(object, key, what);
  if (value != nullptr && !value->is_object()) ThrowExpected(key, what, "an object", *value);
  return value;
}

const json* FindArray(const json& object, std::string_view key, std::string_view what) {
  const json* value = FindField(object, key, what);
  if (value != nullptr && !value->is_array()) ThrowExpected(key, what, "an array", *value);
  return value;
}

int64_t GetInt(const json& object, std::string_view key, std::optional<int64_t> fallback, int64_t min, int64_t max,
               std::string_view what) {
  const json* value = FindField(object, key, what);
  if (value == nullptr && fallback) return *fallback;
  const std::string expected = fmt::format("an integer in [{}, {}]", min, max);
  if (value == nullptr) ThrowAbsent(object, key, what, expected);
  const std::optional<int64_t> number = AsInteger(*value);
  if (!number || *number < min || *number > max) ThrowExpected(key, what, expected, *value);
  return *number;
}

double GetFloat(const json& object, std::string_view key, std::optional<double> fallback, double min, double max,
                std::string_view what) {
  const json* value = FindField(object, key, what);
  if (value == nullptr && fallback) return *fallback;
  const std::string expected = fmt::format("a number in [{}, {}]", min, max);
  if (value == nullptr) ThrowAbsent(object, key, what, expected);
  if (!value->is_number()) ThrowExpected(key, what, expected, *value);
  const double number = value->get<double>();
  if (!(number >= min && number <= max && std::isfinite(number))) ThrowExpected(key, what, expected, *value);
  return number;
}

bool GetBool(const json& object, std::string_view key, std::optional<bool> fallback, std::string_view what) {
  const json* value = FindField(object, key, what);
  if (value == nullptr && fallback) return *fallback;
  if (value == nullptr) ThrowAbsent(object, key, what, "true or false");
  if (!value->is_boolean()) ThrowExpected(key, what, "true or false", *value);
  return value->get<bool>();
}

std::string GetString(const json& object, std::string_view key, std::optional<std::string> fallback,
                      std::string_view what) {
  const json* value = FindField(object, key, what);
  if (value == nullptr && fallback) return *std::move(fallback);
  if (value == nullptr) ThrowAbsent(object, key, what, "a string");
  if (!value->is_string()) ThrowExpected(key, what, "a string", *value);
  return value->get<std::string>();
}

std::string DescribeJson(const json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  if (value.is_string()) return fmt::format("\"{}\"", OneLine(value.get_ref<const std::string&>(), kShownBytes));
  return value.dump();
}

}  // namespace spate
