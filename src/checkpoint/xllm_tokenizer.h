// The tokenizer file of xLLM's export_tokenizer.py: the pieces of Llama 2's SentencePiece model with their scores, and
// little else. Little-endian: uint32 pieces, uint32 BOS, uint32 EOS (older exports write the number of pieces alone, or
// with the longest length), then for each piece a float score, uint32 bytes, and its text. The text is meant for
// printing: U+2581 became a space, <s> a line of its own, and <0xNN> the character U+00NN.
//
// All that is undone here, and what the file does not hold is what it is in Llama 2: BPE by score, a space before the
// text, no change of characters, bytes for unknown ones. The ids are those that SentencePiece gives with the original
// tokenizer.model; xLLM itself encodes byte by byte and without the space, so it gives other ones. Pure function.
#pragma once

#include <string_view>

#include "tokenizer/vocabulary.h"

namespace spate {

// `what` names the source in messages. Throws Error(kBadInput).
Vocabulary ParseXllmTokenizer(std::string_view bytes, std::string_view what);

}  // namespace spate
