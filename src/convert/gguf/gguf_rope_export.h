// Rotary embedding as GGUF metadata: keys rope.*, and tensors for schemes that have no keys. Pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "convert/gguf/gguf_hyper_export.h"

namespace spate {

// Throws Error(kBadInput).
std::vector<GgufValues> AddRopeParameters(const GgufFamily& family, const nlohmann::json& config, const ModelSpec& spec,
                                          GgufHeader* header);

}  // namespace spate
