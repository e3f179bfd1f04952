// tokenizer.model of SentencePiece (BPE and unigram models) as a Vocabulary. Encoding gives the ids that SentencePiece
// gives; around that stands what Hugging Face does for such folders: a BOS in front, control symbols recognised in the
// text. Pure functions.
#pragma once

#include <string_view>

#include "checkpoint/sentencepiece_proto.h"
#include "tokenizer/vocabulary.h"

namespace spate {

// `what` names the source in messages. Throws Error(kBadInput) for what is no such file or not supported, by name.
Vocabulary ParseSentencePieceModel(std::string_view bytes, std::string_view what);

// The same for pieces that came in another file.
Vocabulary MakeSentencePieceVocabulary(const SentencePieceProto& proto, std::string_view what);

}  // namespace spate
