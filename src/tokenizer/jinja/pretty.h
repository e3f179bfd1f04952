// Python's pprint.pformat: lists and dictionaries broken into lines of 80 characters.
#pragma once

#include <string>

#include "tokenizer/jinja/value.h"

namespace spate::jinja {

// Throws Failure for a string too long for its line, which pprint would cut into pieces.
std::string PrettyText(Heap& heap, const Value& value);

}  // namespace spate::jinja
