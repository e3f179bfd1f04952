// The pre-tokenizer patterns of most models, written by hand: an order of magnitude faster than a regular expression.
// A test holds each against the same pattern in PCRE2. Pure functions.
#pragma once

#include <string_view>
#include <vector>

#include "tokenizer/regex.h"

namespace spate {

enum class KnownPattern {
  kNone,
  kGpt2,    // 's|'t|... | ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
  kLlama3,  // (?i:'s|...)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
  kQwen2    // the same with \p{N}
};

KnownPattern RecognizePattern(std::string_view regex);
std::string_view RegexOf(KnownPattern pattern);  // pattern is not kNone

// Appends the matches inside `range` of `text`. These patterns match every character, so they lie end to end.
void ScanWords(KnownPattern pattern, std::string_view text, TextRange range, std::vector<TextRange>* words);

}  // namespace spate
