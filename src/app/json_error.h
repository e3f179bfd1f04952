// For commands with --json: what could not be done is told there too, beside the line on stderr.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>

namespace spate {

// Runs `action` and returns its exit code. An Error that it throws goes on; `as_json` prints it before, as one object:
// `fields` with "error", its message, and "exit_code".
int RunWithJsonError(bool as_json, nlohmann::json fields, const std::function<int()>& action);

}  // namespace spate
