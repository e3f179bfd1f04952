// What the readers of tokenizer.json's step fields share. Pure functions that throw Error(kBadInput).
#pragma once

#include <fmt/format.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tokenizer/vocabulary.h"

namespace spate {

inline constexpr size_t kMaxTokenizerSteps = 256;

// One step field of tokenizer.json, for reading its options and for messages.
struct StepField {
  std::string_view name;       // "pre_tokenizer"
  std::string_view list;       // the key of its Sequence's list
  std::string_view supported;  // kinds, for the message about another one
  std::string_view what;

  std::string Where(std::string_view kind) const { return fmt::format("{}: {} {}", what, name, kind); }
};

// Calls `step(kind, options)` for every step of the field, those inside Sequences too; false: the kind is unknown.
using StepReader = std::function<bool(const std::string& kind, const nlohmann::json& options)>;

void ReadStepField(const StepField& field, const nlohmann::json& root, const StepReader& step);

// "pattern": {"Regex": ...} or {"String": ...}. `where` names the step in messages.
TextPattern ReadPattern(const nlohmann::json& options, const std::string& where);
PrependScheme ReadPrependScheme(const nlohmann::json& options, const std::string& where);
std::string ReadCharacter(const nlohmann::json& options, std::string_view key, const std::string& where);

}  // namespace spate
