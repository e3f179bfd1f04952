// The WordPiece model: from the start of a word the longest token, from there the longest of those that go on with a
// word, and so on; a word that cannot be covered so is one unk token. Immutable, thread-safe.
#pragma once

#include <string_view>
#include <vector>

#include "tokenizer/piece_trie.h"
#include "tokenizer/token_table.h"
#include "tokenizer/vocabulary.h"

namespace spate {

class WordPiece {
 public:
  // Keeps a reference to the vocabulary, which must not change any more.
  explicit WordPiece(const Vocabulary& vocabulary);

  // Appends the ids of `word`, valid UTF-8.
  void Encode(std::string_view word, std::vector<int32_t>* ids) const;

  const TokenTable& tokens() const { return tokens_; }

 private:
  const Vocabulary* vocabulary_;
  TokenTable tokens_;
  PieceTrie trie_;
  int32_t continuation_;  // node behind Vocabulary::subword_prefix; -1: no token begins with it
};

}  // namespace spate
