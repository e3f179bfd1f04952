// JSON from outside: parsing with limits, and typed fields with one-line errors. Stateless, thread-safe.
// All functions throw Error(kBadInput). `what` names the source in messages: "config.json", "request".
// When a key occurs twice, its last value wins, as in Python and browsers.
//
//   const nlohmann::json config = ParseJson(text, {}, "config.json");
//   const int64_t heads = GetInt(config, "num_attention_heads", std::nullopt, 1, 65536, "config.json");
//   -> config.json: num_attention_heads: expected an integer in [1, 65536], got "x"
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace spate {

struct JsonLimits {
  size_t max_bytes = size_t{64} << 20;  // of text
  int max_depth = 64;                   // of nested arrays and objects
  size_t max_values = size_t{8} << 20;  // in all; a value takes up to 50 bytes of memory for 2 bytes of text
};

nlohmann::json ParseJson(std::string_view text, const JsonLimits& limits, std::string_view what);
// ReadTextFile and ParseJson; `what` is the path.
nlohmann::json ReadJsonFile(const std::string& path, const JsonLimits& limits);

// Fields of an object. With a fallback a key that is missing or null yields the fallback (model configs write
// null for "default"); without one both are errors that say which. A wrong type or value is always an error.
// GetInt takes 4096.0 for 4096, GetFloat takes integers; numbers must be finite.
int64_t GetInt(const nlohmann::json& object, std::string_view key, std::optional<int64_t> fallback, int64_t min,
               int64_t max, std::string_view what);
double GetFloat(const nlohmann::json& object, std::string_view key, std::optional<double> fallback, double min,
                double max, std::string_view what);
bool GetBool(const nlohmann::json& object, std::string_view key, std::optional<bool> fallback, std::string_view what);
std::string GetString(const nlohmann::json& object, std::string_view key, std::optional<std::string> fallback,
                      std::string_view what);

// The field, or nullptr when it is missing or null. The typed ones throw on another type.
const nlohmann::json* FindField(const nlohmann::json& object, std::string_view key, std::string_view what);
const nlohmann::json* FindObject(const nlohmann::json& object, std::string_view key, std::string_view what);
const nlohmann::json* FindArray(const nlohmann::json& object, std::string_view key, std::string_view what);

// A value as error messages show it: short, on one line, valid UTF-8: `"x"`, `12`, `an array`.
std::string DescribeJson(const nlohmann::json& value);

}  // namespace spate
