// The pre-tokenizer patterns of most models, written by hand: an order of magnitude faster than a regular expression.
// A test holds each against the same pattern in PCRE2. Pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "tokenizer/regex.h"

namespace spate {

enum class KnownPattern {
  kNone,
  kGpt2,      // 's|'t|... | ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
  kLlama3,    // (?i:'s|...)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
  kQwen2,     // the same with \p{N}
  kQwen35,    // ... and \p{M} among the letters
  kO200k,     // words are cut before a capital behind a small letter; contractions belong to their word
  kTekken,    // the same with \p{N} and without contractions
  kDeepSeek,  // the third of DeepSeek V3's steps; it leaves gaps
  kNumbersOfThree,  // \p{N}{1,3}, the first of them; it leaves gaps
  kHanAndKana,      // the second; it leaves gaps
};
inline constexpr KnownPattern kKnownPatterns[] = {
    KnownPattern::kGpt2,      KnownPattern::kLlama3, KnownPattern::kQwen2,    KnownPattern::kQwen35,  //
    KnownPattern::kO200k,     KnownPattern::kTekken, KnownPattern::kDeepSeek, KnownPattern::kNumbersOfThree,
    KnownPattern::kHanAndKana};

KnownPattern RecognizePattern(std::string_view regex);  // in any of its spellings
// The spellings that tokenizer files use; `pattern` is not kNone.
std::span<const std::string_view> SpellingsOf(KnownPattern pattern);
inline std::string_view RegexOf(KnownPattern pattern) { return SpellingsOf(pattern)[0]; }
// Whether its matches lie end to end whatever the text.
bool LeavesNoGap(KnownPattern pattern);

// Cuts `range` of `text` into matches and the gaps between them, and appends both to *words, which then lie end to end.
// Stops once `words` holds `max_words` or more; returns where.
size_t ScanWords(KnownPattern pattern, std::string_view text, TextRange range, size_t max_words,
                 std::vector<TextRange>* words);

}  // namespace spate
