// Whether a Vocabulary fits together; its writer may have read a hostile file. Pure functions that throw
// Error(kBadInput) with the first fault.
#pragma once

#include "tokenizer/token_table.h"
#include "tokenizer/vocabulary.h"

namespace spate {

// Sizes, ids, texts and steps.
void CheckVocabulary(const Vocabulary& vocabulary);

// What needs the index: tokens with one text, added tokens that the model knows by another id.
void CheckAgainstTable(const Vocabulary& vocabulary, const TokenTable& table);

}  // namespace spate
