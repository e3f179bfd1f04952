// A model's hyper-parameters as GGUF metadata: the tables that reading goes by (checkpoint/gguf_archs.h), turned
// around. What no key can say is found by reading the result (convert.cc). Pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "convert/gguf/gguf_families.h"
#include "convert/gguf/gguf_header.h"
#include "model/spec.h"

namespace spate {

// A tensor that a key would be too small for.
struct GgufValues {
  std::string name;
  std::vector<float> values;
};

// The keys of `family`, out of `config` (as config.json says it) and the spec that was made of it. Returns the tensors
// that belong to them. Throws Error(kBadInput) for fields of another type.
std::vector<GgufValues> AddHyperParameters(const GgufFamily& family, const nlohmann::json& config,
                                           const ModelSpec& spec, GgufHeader* header);

}  // namespace spate
