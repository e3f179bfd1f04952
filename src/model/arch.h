// An architecture is a name, a function from config.json to ModelSpec, and a tensor table: data that one
// decoder runs. Adding one: a file in arch/ and a line in arch/archs.inc.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "model/spec.h"
#include "model/tensor_rule.h"

namespace spate {

// Where a checkpoint holds more than the language model, what tensor names begin with.
struct Parts {
  std::string_view text{};                      // before every name of Arch::tensors
  std::span<const std::string_view> ignored{};  // of the parts that are left out
};

struct Arch {
  std::string_view name;  // "architectures"[0] of config.json
  ModelSpec (*spec)(const nlohmann::json& config);
  std::span<const TensorRule> tensors;
  std::string_view models;       // published ones, for people: "Llama 2, 3 to 3.2, CodeLlama"
  std::string_view prefix = {};  // of tensor names, which some published files leave out: "transformer."
  Parts parts{};                 // of a model of several kinds
};

const Arch* FindArch(std::string_view name);  // null = unknown
std::span<const Arch* const> AllArchs();      // in the order of the registry

// The architecture of a config.json and its spec, checked. Throws Error(kBadInput).
const Arch& ArchOf(const nlohmann::json& config);
ModelSpec MakeSpec(const nlohmann::json& config);

}  // namespace spate
