// --template, and which chat template a model's folder brings.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "tokenizer/chat_template.h"

namespace spate {

// `flag` is a file; empty: the folder's own, chat_template.jinja or chat_template in tokenizer_config.json. The special
// tokens are the folder's. Throws Error(kBadInput) with the reason and what to try when there is none or it does not
// parse.
std::unique_ptr<ChatTemplate> ChooseChatTemplate(const std::string& flag, const std::filesystem::path& folder);

}  // namespace spate
