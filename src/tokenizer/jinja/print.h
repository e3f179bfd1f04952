// Values as text: Python's str() and repr(). They throw Failure for values nested too deep or too large.
#pragma once

#include <string>

#include "tokenizer/jinja/value.h"

namespace spate::jinja {

std::string Str(Heap& heap, const Value& value);
std::string Repr(Heap& heap, const Value& value);
std::string ReprFloat(double number);

// str() as a value: the value itself when it is a plain string.
Value StrValue(Heap& heap, const Value& value);

}  // namespace spate::jinja
