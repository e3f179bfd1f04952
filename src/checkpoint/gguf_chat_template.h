// The chat template in a GGUF file's metadata and the special tokens that templates speak of: for such files what
// chat_template_file.h is for folders. Pure functions.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "checkpoint/chat_template_file.h"
#include "checkpoint/gguf.h"

namespace spate {

// tokenizer.chat_template is the one named "default", tokenizer.chat_template.NAME another. Nothing when there is none.
// Throws Error(kBadInput) for values that are no templates.
std::optional<ChatTemplateFile> FindChatTemplate(const GgufFile& file, bool with_tools);

// The texts of bos_token, eos_token, unk_token, pad_token, ... by these names. Throws Error(kBadInput).
std::map<std::string, std::string> ReadSpecialTokens(const GgufFile& file);

}  // namespace spate
