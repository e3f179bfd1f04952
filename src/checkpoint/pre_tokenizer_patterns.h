// Patterns of pre-tokenizers that more than one file format knows by name. Pure data.
#pragma once

#include <vector>

#include "tokenizer/vocabulary.h"

namespace spate {

inline constexpr const char* kSpacePattern = "\\s";
inline constexpr const char* kPunctuationPattern = "[!-/:-@\\[-`{-~\\p{P}]";

// BERT's: words between whitespace, each punctuation character apart.
inline std::vector<PreTokenizerStep> BertPreTokenizerSteps() {
  return {SplitPattern{{kSpacePattern, true}, SplitBehavior::kRemoved, false},
          SplitPattern{{kPunctuationPattern, true}, SplitBehavior::kIsolated, false}};
}

}  // namespace spate
