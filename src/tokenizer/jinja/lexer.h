// Source text to tokens, with the whitespace rules of trim_blocks and lstrip_blocks applied to the text around tags.
// Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/jinja/token.h"

namespace spate::jinja {

// Line ends become \n, and one at the very end is dropped.
std::string NormalizeSource(std::string_view source);

// `source` is normalized valid UTF-8. The last token is kEnd. Throws Failure with its line.
std::vector<Token> Tokenize(std::string_view source);

// What a string token stands for: Python's escapes resolved. Throws Failure.
std::string StringLiteral(std::string_view token, int line);

}  // namespace spate::jinja
