// Merges for vocabularies that list tokens only (SentencePiece BPE, tiktoken): two tokens side by side may become a
// third whatever way that one is split, and the third's rank says when. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tokenizer/token_table.h"
#include "tokenizer/vocabulary.h"

namespace spate {

// Every split of a token of rank >= 0 into two such tokens, as a merge of the token's rank. `ranks` [ids].
// Of `tokens` with a rank no two are equal.
std::vector<Merge> DeriveMerges(const std::vector<std::string>& tokens, std::span<const int32_t> ranks);
// With a table that is there already: of all tokens that have a rank, and perhaps of others.
std::vector<Merge> DeriveMerges(const std::vector<std::string>& tokens, std::span<const int32_t> ranks,
                                const TokenTable& table);

}  // namespace spate
