// The unigram model: of all ways to cut a word into tokens the one whose scores add up highest, by dynamic programming
// over the word's characters; its time is that of walking a trie once from each. Thread-safe after construction; a
// UnigramScratch belongs to one thread.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "tokenizer/piece_trie.h"
#include "tokenizer/token_table.h"
#include "tokenizer/vocabulary.h"

namespace spate {

// Buffers that grow to the longest word and are used again for the next.
struct UnigramScratch {
  struct End {  // of the best cut of the word up to here
    double score;
    int32_t id;      // of its last token
    uint32_t start;  // of that token; kNone: no cut ends here
  };
  std::vector<End> ends;  // [bytes + 1]
  std::vector<End> path;  // the cut, last token first
};

class Unigram {
 public:
  // Keeps a reference to the vocabulary, which must not change any more.
  explicit Unigram(const Vocabulary& vocabulary);

  // Appends the ids of `word`, valid UTF-8 (bytes for TokenSpelling::kBytes).
  void Encode(std::string_view word, UnigramScratch* scratch, std::vector<int32_t>* ids) const;

  const TokenTable& tokens() const { return tokens_; }

 private:
  template <typename Sum>
  void FindBest(std::string_view word, UnigramScratch* scratch) const;
  void PutUnknown(std::string_view run, std::vector<int32_t>* ids) const;

  const Vocabulary* vocabulary_;
  TokenTable tokens_;
  PieceTrie trie_;
  std::array<int32_t, 256> fallback_tokens_;  // [byte] <0xNN>
};

}  // namespace spate
