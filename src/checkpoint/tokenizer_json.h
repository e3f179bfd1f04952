// tokenizer.json, the file of Hugging Face tokenizers, as a Vocabulary: BPE, unigram and WordPiece models with the
// normalizers, pre-tokenizers, post-processors and decoders that it defines. A kind that is not known is an error that
// names it; nothing is guessed. Pure functions.
#pragma once

#include <string_view>

#include "tokenizer/vocabulary.h"

namespace spate {

// `config_json` is tokenizer_config.json or empty; `what` names the source in messages. Throws Error(kBadInput) naming
// the field.
Vocabulary ParseTokenizerJson(std::string_view json, std::string_view config_json, std::string_view what);

}  // namespace spate
