// tokenizer.model of Llama 3: a tiktoken file, one token in base64 and its rank a line, whose ranks are the ids. What
// the file does not say comes from Llama 3: the pattern that cuts the text, and the special tokens behind the others.
// Pure functions.
#pragma once

#include <string_view>

#include "tokenizer/vocabulary.h"

namespace spate {

// Whether the bytes look like such a file: the first line is base64, a space and a number.
bool IsTiktokenModel(std::string_view bytes);

// The tokens of Llama 3's file; another number of them is a file of another model.
inline constexpr size_t kLlama3Tokens = 128000;

// The tokens and their merges, Llama 3's pattern, no special tokens. `what` names the source in messages. Throws
// Error(kBadInput) for lines of another form, ids that are missing or twice, and bytes without a token.
Vocabulary ParseTiktokenModel(std::string_view bytes, std::string_view what);

// The 256 special tokens of Llama 3 behind the vocabulary's own, the one that begins a text and those that end a
// generation.
void AddLlama3SpecialTokens(Vocabulary* vocabulary);

}  // namespace spate
