// A tokenizer as GGUF metadata, whatever file it was read from: byte-level BPE as kind "gpt2", BPE over characters as
// SentencePiece's kind "llama", whose scores say what the order of merges said. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/gguf_tokens.h"
#include "convert/gguf/gguf_header.h"
#include "tokenizer/vocabulary.h"

namespace spate {

// What both kinds share, in the making.
struct GgufTokenList {
  std::vector<std::string> texts;  // [ids]
  std::vector<int32_t> types;      // [ids] GgufTokenType

  void Set(int32_t id, std::string text, GgufTokenType type) {
    texts[static_cast<size_t>(id)] = std::move(text);
    types[static_cast<size_t>(id)] = static_cast<int32_t>(type);
  }
};

// Adds the keys tokenizer.ggml.*, with unused tokens up to `rows`, those of the embedding. What the format has no words
// for and texts rarely show is told in *notes. Throws Error(kBadInput), beginning with `what`, for a tokenizer that the
// format cannot express.
void AddTokenizer(const Vocabulary& vocabulary, int rows, const std::string& what, GgufHeader* header,
                  std::vector<std::string>* notes);

// The name of a byte-level tokenizer's way to cut text; empty: it has none.
std::string_view NameOfPreTokenizer(const Vocabulary& vocabulary);

// The kinds: tokenizer.ggml.model and what only it has. *list has a place for each row.
void AddByteLevelTokenizer(const Vocabulary& vocabulary, const std::string& what, GgufTokenList* list,
                           GgufHeader* header, std::vector<std::string>* notes);
void AddSentencePieceTokenizer(const Vocabulary& vocabulary, const std::string& what, GgufTokenList* list,
                               GgufHeader* header, std::vector<std::string>* notes);

}  // namespace spate
