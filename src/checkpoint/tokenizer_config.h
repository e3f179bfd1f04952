// What the JSON files beside a tokenizer say about it: tokenizer_config.json (which tokens are BOS, EOS and padding,
// whether the first two are added, tokens that the tokenizer's own file lacks), special_tokens_map.json (names again,
// in older folders), generation_config.json and config.json (ids that end a generation). Pure functions; `where` names
// the source in messages. All throw Error(kBadInput).
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tokenizer/vocabulary.h"

namespace spate {

void ApplyTokenizerConfig(const nlohmann::json& config, const std::string& where, Vocabulary* vocabulary);

// Gives the names that are still missing.
void ApplySpecialTokensMap(const nlohmann::json& map, const std::string& where, Vocabulary* vocabulary);

// eos_token_id, one id or a list of them, in addition to what is known.
void AddEosIds(const nlohmann::json& config, const std::string& where, Vocabulary* vocabulary);

// Tokens of added_tokens_decoder whose ids the vocabulary's added tokens lack. True if the field is there.
bool AddTokensOfConfig(const nlohmann::json& config, const std::string& where, Vocabulary* vocabulary);

// The id of an added token or of the model's with this text; -1: none.
int32_t FindToken(const Vocabulary& vocabulary, std::string_view text);

// One entry of added_tokens, which is the same in both files save for the id.
AddedToken ReadAddedToken(const nlohmann::json& entry, int32_t id, const std::string& where);

inline constexpr int64_t kMaxTokenId = (1 << 22) - 1;

// Makes room for ids up to `max_id`, of which a file that names `known` tokens may leave some out. `field` names what
// has the id in the message.
void MakeRoomForIds(int32_t max_id, size_t known, std::string_view field, const std::string& where,
                    Vocabulary* vocabulary);

}  // namespace spate
