#include "app/json_error.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"

namespace spate {

int RunWithJsonError(bool as_json, nlohmann::json fields, const std::function<int()>& action) {
  try {
    return action();
  } catch (const Error& error) {
    if (as_json) {
      fields["error"] = error.what();
      fields["exit_code"] = error.exit_code();
      fmt::print("{}\n", fields.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    }
    throw;
  }
}

}  // namespace spate
