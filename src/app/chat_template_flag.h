// --template: a built-in chat template's name, or a file.
#pragma once

#include <map>
#include <string>

#include "tokenizer/chat_template.h"

namespace spate {

// `flag` is a built-in template's name or a file; `tokens` are the special tokens it may speak of. Throws
// Error(kBadInput) for what is neither and for what does not parse.
ChatTemplate OpenTemplate(const std::string& flag, std::map<std::string, std::string> tokens);

}  // namespace spate
