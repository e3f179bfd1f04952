// Python's two ways to put values into a text: "%s" % x, and "{}".format(x).
#pragma once

#include <string>
#include <string_view>

#include "tokenizer/jinja/value.h"

namespace spate::jinja {

Value FormatPercent(Interpreter& interpreter, const Value& format, const Value& values);
Value FormatBraces(Interpreter& interpreter, const Value& self, const Arguments& arguments);  // str.format

// A number or text in the given presentation: what stands behind the colon in "{:>8.2f}", without nested fields.
std::string FormatValue(Interpreter& interpreter, const Value& value, std::string_view specification);

}  // namespace spate::jinja
