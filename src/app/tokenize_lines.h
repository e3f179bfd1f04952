// spate tokenize --lines: many texts in one process, each line of a file for itself.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tokenizer/tokenizer.h"

namespace spate {

struct LinesOptions {
  std::string file;  // its name, for messages
  EncodeOptions encode;
  bool skip_special = false;
};

// Prints a line for each of `input`: of a JSON string its ids, of a list of ids its text. Throws Error(kBadInput)
// naming the line.
void TokenizeLines(const Tokenizer& tokenizer, std::string_view input, const LinesOptions& options);

// On one line; invalid UTF-8, which a token's bytes may be, as U+FFFD.
std::string JsonText(const nlohmann::json& value);

}  // namespace spate
