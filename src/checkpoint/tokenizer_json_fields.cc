#include "checkpoint/tokenizer_json_fields.h"

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr int kMaxNesting = 16;

void ReadSteps(const StepField& field, const json* value, const StepReader& step, size_t* count, int nesting) {
  if (value == nullptr) return;
  const std::string kind = GetString(*value, "type", std::nullopt, fmt::format("{}: {}", field.what, field.name));
  if (++*count > kMaxTokenizerSteps || nesting > kMaxNesting) {
    throw Error(ErrorCode::kBadInput, "{}: {} has too many steps", field.what, field.name);
  }
  if (kind != "Sequence") {
    if (step(kind, *value)) return;
    throw Error(ErrorCode::kBadInput, "{}: {} '{}' is not supported; supported: {}, Sequence", field.what, field.name,
                OneLine(kind, 40), field.supported);
  }
  const json* list = FindArray(*value, field.list, field.Where(kind));
  if (list == nullptr) throw Error(ErrorCode::kBadInput, "{} has no {}", field.Where(kind), field.list);
  for (const json& entry : *list) ReadSteps(field, &entry, step, count, nesting + 1);
}

}  // namespace

void ReadStepField(const StepField& field, const json& root, const StepReader& step) {
  size_t count = 0;
  ReadSteps(field, FindObject(root, field.name, field.what), step, &count, 0);
}

TextPattern ReadPattern(const json& options, const std::string& where) {
  const json* pattern = FindObject(options, "pattern", where);
  if (pattern == nullptr) throw Error(ErrorCode::kBadInput, "{} has no pattern", where);
  if (FindField(*pattern, "Regex", where) != nullptr) {
    return {GetString(*pattern, "Regex", std::nullopt, where), true};
  }
  return {GetString(*pattern, "String", std::nullopt, where), false};
}

PrependScheme ReadPrependScheme(const json& options, const std::string& where) {
  // Files from before prepend_scheme say only whether there is a prefix.
  const bool prefix = GetBool(options, "add_prefix_space", true, where);
  const std::string scheme = GetString(options, "prepend_scheme", prefix ? "always" : "never", where);
  if (scheme == "never") return PrependScheme::kNever;
  if (!prefix) {
    throw Error(ErrorCode::kBadInput, "{}: add_prefix_space is false, but prepend_scheme is '{}'", where,
                OneLine(scheme, 40));
  }
  if (scheme == "first") return PrependScheme::kFirst;
  if (scheme == "always") return PrependScheme::kAlways;
  throw Error(ErrorCode::kBadInput, "{}: prepend_scheme '{}', expected first, always or never", where,
              OneLine(scheme, 40));
}

std::string ReadCharacter(const json& options, std::string_view key, const std::string& where) {
  std::string text = GetString(options, key, std::nullopt, where);
  if (text.empty() || static_cast<size_t>(DecodeUtf8(text, 0).length) != text.size()) {
    throw Error(ErrorCode::kBadInput, "{}: {} is '{}', expected one character", where, key, OneLine(text, 40));
  }
  return text;
}

}  // namespace spate
