// Tokens to the tree of a Program: Jinja2's grammar with the statements that chat templates may use. Blocks, imports
// and includes are refused: a chat template is one file.
#pragma once

#include <memory>
#include <string_view>

#include "tokenizer/jinja/ast.h"

namespace spate::jinja {

// Parses and resolves the variables. Throws Failure with its line.
std::unique_ptr<Program> Parse(std::string_view source);

}  // namespace spate::jinja
