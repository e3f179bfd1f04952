// The functions that every template may call: range, namespace, dict, cycler, joiner, raise_exception, strftime_now.
#pragma once

#include <string_view>

#include "tokenizer/jinja/value.h"

namespace spate::jinja {

Value FindGlobal(Heap& heap, std::string_view name);  // missing when there is none

// What dict(...) makes: from a dictionary or pairs, and from keyword arguments.
Dict* DictFromArguments(Interpreter& interpreter, const Arguments& arguments);

}  // namespace spate::jinja
