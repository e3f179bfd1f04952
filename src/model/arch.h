// An architecture is a name, a function from config.json to ModelSpec, and a tensor table: data that one
// decoder runs. Adding one: a file in arch/ and a line in arch/registry.cc.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "model/slot.h"
#include "model/spec.h"

namespace spate {

struct Arch {
  std::string_view name;  // "architectures"[0] of config.json
  ModelSpec (*spec)(const nlohmann::json& config);
  std::span<const TensorRule> tensors;
};

const Arch* FindArch(std::string_view name);  // null = unknown
std::vector<std::string_view> KnownArchs();   // for messages

// The architecture of a config.json and its spec, checked. Throws Error(kBadInput).
const Arch& ArchOf(const nlohmann::json& config);
ModelSpec MakeSpec(const nlohmann::json& config);

// Fields that every Llama descendant spells the same way; arch files adjust the result.
ModelSpec LlamaLikeSpec(const nlohmann::json& config);

}  // namespace spate
