// The tokenizer in a GGUF file's metadata as a Vocabulary: kinds "llama" (SentencePiece BPE), "gpt2", "gemma4"
// and "whitespace" (BPE with merges), "t5" (unigram) and "bert" (WordPiece). The Vocabulary copies what it needs. Pure
// functions.
//
//   const Tokenizer tokenizer(ReadGgufTokenizer(opened.file));
#pragma once

#include "checkpoint/gguf.h"
#include "tokenizer/vocabulary.h"

namespace spate {

// Throws Error(kBadInput): no tokenizer, one of another kind or with a pre-tokenizer that nobody knows, lists and ids
// that do not fit together.
Vocabulary ReadGgufTokenizer(const GgufFile& file);

}  // namespace spate
