// JSON whose objects keep their keys in the order of the text: what chat templates print. base/json.h for all else.
// Stateless, thread-safe.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "base/json.h"

namespace spate {

// Like ParseJson, with the same errors. Objects are searched one key after the other, so that they may have at most
// 1,000 keys each.
nlohmann::ordered_json ParseOrderedJson(std::string_view text, const JsonLimits& limits, std::string_view what);

}  // namespace spate
