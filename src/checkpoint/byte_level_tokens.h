// What readers of byte-level BPE vocabularies share. Pure functions.
#pragma once

#include "tokenizer/vocabulary.h"

namespace spate {

// Model tokens from the byte alphabet to bytes; afterwards TokenSpelling::kBytes is right. Tokens with characters
// outside of it become opaque: they cannot come from text, nor can merges of them happen, which are taken out.
void UnspellTokens(Vocabulary* vocabulary);

}  // namespace spate
