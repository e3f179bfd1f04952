// Texts in sampling parameters, made into token ids where a request enters the engine: below it there are ids only.
// Thread-safe.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/request.h"
#include "tokenizer/tokenizer.h"

namespace spate {

// Ids that break a sequence for DRY: every token whose text contains the breaker; where there is none, the last one of
// "a" + breaker. Ascending, below `vocab`.
std::vector<int32_t> BreakerIds(const std::vector<std::string>& breakers, const Tokenizer& tokenizer, int vocab);

// A bad word as it stands at the beginning of a text and, where its tokens do not end in those, behind a space.
std::vector<std::vector<int32_t>> BadWordIds(std::string_view word, const Tokenizer& tokenizer);

// Moves bad_words into bad_words_ids, and dry_breakers into dry_breaker_ids where DRY is on. The parameters are valid.
// Without a tokenizer there are no breakers but ids, and bad_words are an Error(kUsage).
void ResolveWords(SamplingParams& params, const Tokenizer* tokenizer, int vocab);

}  // namespace spate
