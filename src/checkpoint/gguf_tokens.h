// The token list of a GGUF file and the ids that its metadata gives names to, whatever the tokenizer's kind. Texts are
// views into the file. Pure functions that throw Error(kBadInput).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "checkpoint/gguf.h"

namespace spate {

// Numbers are the file's, and SentencePiece's.
enum class GgufTokenType : int64_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6
};

struct GgufTokens {
  std::vector<std::string_view> texts;  // [ids]
  std::vector<GgufTokenType> types;     // [ids]
};

// Tokens that end a generation by what they are called are control tokens, even where the file calls them normal.
GgufTokens ReadGgufTokens(const GgufMetadata& metadata);

// tokenizer.ggml.NAME_token_id, or the fallback where the file has none or says "none" (2^32-1); an id that is no
// token's is an error.
int32_t ReadTokenId(const GgufMetadata& metadata, std::string_view name, size_t tokens, int32_t fallback);

// Whether a token of this text ends a generation, as far as models agree.
bool EndsGeneration(std::string_view text);

}  // namespace spate
