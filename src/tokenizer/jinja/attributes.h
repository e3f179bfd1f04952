// value.name and value[key], as Jinja2's sandbox looks them up: attribute first or item first, and undefined where
// there is neither.
#pragma once

#include <string_view>

#include "tokenizer/jinja/value.h"

namespace spate::jinja {

Value GetAttribute(Interpreter& interpreter, const Value& value, std::string_view name);
Value GetItem(Interpreter& interpreter, const Value& value, const Value& key);
// The attribute alone, missing where there is none: the filter `attr`.
Value FindAttribute(Interpreter& interpreter, const Value& value, std::string_view name);

// "user.name" or 3, followed from item to item as sort, map and the like do. Missing parts are undefined, or
// `otherwise` where one is given.
Value GetPath(Interpreter& interpreter, Value value, const Value& path, const Value& otherwise);

// value[start:stop:step]; missing where absent.
Value GetSlice(Interpreter& interpreter, const Value& value, const Value& start, const Value& stop, const Value& step);

}  // namespace spate::jinja
