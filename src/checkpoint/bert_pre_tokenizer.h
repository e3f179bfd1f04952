// BERT's pre-tokenizer, which tokenizer.json files name and GGUF files of kind "bert" take for granted. Pure data.
#pragma once

#include "tokenizer/vocabulary.h"

namespace spate {

// Words between whitespace, each punctuation character apart. One expression, because starting one for each word takes
// longer than all the rest.
inline PreTokenizerStep BertPreTokenizer() {
  return SplitPattern{{"[!-/:-@\\[-`{-~\\p{P}]|[^\\s!-/:-@\\[-`{-~\\p{P}]+", true}, SplitBehavior::kRemoved, true};
}

}  // namespace spate
