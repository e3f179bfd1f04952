// Methods of strings, lists, dictionaries and the helpers. Those that would change a list or a dictionary do not exist
// here: the sandbox refuses them. Tables without state.
#pragma once

#include <span>
#include <string_view>

#include "tokenizer/jinja/value.h"

namespace spate::jinja {

struct Method {
  std::string_view name;
  Function::Code code;
};

const Method* FindMethod(Kind kind, std::string_view name);

std::span<const Method> StringMethods();
std::span<const Method> ContainerMethods(Kind kind);  // also of loops, cyclers and numbers

}  // namespace spate::jinja
