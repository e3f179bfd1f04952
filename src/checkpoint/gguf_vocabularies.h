// The kinds of tokenizer that GGUF files hold, each made into a Vocabulary that lacks only what all kinds share: the
// ids with names and what is put around a text (gguf_tokenizer.h). Pure functions that throw Error(kBadInput).
#pragma once

#include "checkpoint/gguf_pre_tokenizers.h"
#include "checkpoint/gguf_tokens.h"
#include "checkpoint/sentencepiece_proto.h"
#include "tokenizer/vocabulary.h"

namespace spate {

// Kinds "llama" (BPE by scores) and "t5" (unigram). `unk` is the unknown piece's id, -1 for none.
Vocabulary MakeGgufSentencePiece(const GgufMetadata& metadata, const GgufTokens& tokens,
                                 SentencePieceProto::ModelType type, int32_t unk);

// Kind "gpt2": tokens and merges.
Vocabulary MakeGgufBpe(const GgufMetadata& metadata, const GgufTokens& tokens, const GgufPreTokenizer& pre);

// Kind "bert": WordPiece. `unk` is the unknown token's id, -1 for none.
Vocabulary MakeGgufWordPiece(const GgufMetadata& metadata, const GgufTokens& tokens, int32_t unk);

}  // namespace spate
