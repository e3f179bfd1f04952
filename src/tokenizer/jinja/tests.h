// Jinja2's tests: `x is name(...)`. Tables without state.
#pragma once

#include <string_view>

#include "tokenizer/jinja/value.h"

namespace spate::jinja {

bool TestExists(std::string_view name);
bool ApplyTest(Interpreter& interpreter, std::string_view name, const Value& value, const Arguments& arguments);

}  // namespace spate::jinja
