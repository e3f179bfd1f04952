// tokenizer.json taken apart: the vocabulary and the merges, which are most of it, go straight into lists; the rest
// becomes a small JSON value. Ten times as fast as one JSON value of everything.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/vocabulary.h"

namespace spate {

// A token's text, as a place in one string of all, and its id.
struct TokenPlace {
  uint32_t begin;
  uint32_t end;
  int32_t id;
};

// Two tokens end to end in one string, which is the text of the token that they make.
struct MergeText {
  uint32_t begin;
  uint32_t middle;
  uint32_t end;
};

struct TokenizerJsonParts {
  nlohmann::json rest;            // without model.vocab and model.merges
  std::string vocab_text;         // of all tokens
  std::vector<TokenPlace> vocab;  // in vocab_text, in the file's order
  std::string merge_text;         // of all merges
  std::vector<MergeText> merges;  // in merge_text; from either spelling, "a b" and ["a", "b"]
  bool has_vocab = false;         // model.vocab is an object
  bool has_merges = false;
};

// Throws Error(kBadInput): not JSON, nested too deep, too large, ids or merges of a wrong form.
TokenizerJsonParts TakeTokenizerJsonApart(std::string_view json, std::string_view what);

// What the four step fields hold, null included, with `Sequence` flattened.
std::vector<NormalizerStep> ReadNormalizer(const nlohmann::json& root, std::string_view what);
std::vector<PreTokenizerStep> ReadPreTokenizer(const nlohmann::json& root, std::string_view what);
std::vector<TemplatePiece> ReadPostProcessor(const nlohmann::json& root, std::string_view what);
std::vector<DecoderStep> ReadDecoder(const nlohmann::json& root, std::string_view what);

}  // namespace spate
