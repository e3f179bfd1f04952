// Decides for every name of a template in which scope it lives, as Jinja2's compiler does: before anything runs. A loop
// that reads a name which its surroundings assign further down, for example, sees no value, even if the template was
// given one of that name. Also finds filters and tests that do not exist.
#pragma once

#include "tokenizer/jinja/ast.h"

namespace spate::jinja {

void Resolve(Program& program);  // throws Failure with its line

}  // namespace spate::jinja
