// Byte pair encoding of one word: characters (or bytes) become ids, then the neighbours whose merge has the lowest rank
// are joined, leftmost first, until none is left. Thread-safe after construction; a BpeScratch belongs to one thread.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string_view>
#include <vector>

#include "tokenizer/byte_pairs.h"
#include "tokenizer/merge_queue.h"
#include "tokenizer/token_table.h"
#include "tokenizer/vocabulary.h"

namespace spate {

// Buffers that grow to the longest word and are used again for the next.
struct BpeScratch {
  struct Symbol {
    int32_t id;
    int32_t result;  // of merging it with its right neighbour
    uint32_t rank;   // of that merge; kNoRank: none
    uint32_t left;   // neighbours, in long words only
    uint32_t right;
  };
  std::vector<Symbol> symbols;
  HeapMergeQueue heap;
  BucketMergeQueue buckets;
};

class Bpe {
 public:
  // Keeps a reference to the vocabulary, which must not change any more.
  explicit Bpe(const Vocabulary& vocabulary);

  // Appends the ids of `word`: bytes for TokenSpelling::kBytes, valid UTF-8 for kText.
  void Encode(std::string_view word, BpeScratch* scratch, std::vector<int32_t>* ids) const;

  // The id of a token of the model with this text, or -1.
  int32_t Find(std::string_view text) const { return tokens_.Find(text); }
  const TokenTable& tokens() const { return tokens_; }

 private:
  void EncodePart(std::string_view part, BpeScratch* scratch, std::vector<int32_t>* ids) const;
  void MakeSymbols(std::string_view part, std::vector<BpeScratch::Symbol>* symbols) const;
  // For vocabularies whose tokens say where in a word they stand.
  void MakeAffixedSymbols(std::string_view word, std::vector<BpeScratch::Symbol>* symbols) const;
  // `part` is what the symbols were made of.
  void MergeShort(std::string_view part, std::vector<BpeScratch::Symbol>* symbols) const;
  template <typename Queue>
  void MergeLong(std::vector<BpeScratch::Symbol>& symbols, Queue& queue) const;

  const Vocabulary* vocabulary_;
  TokenTable tokens_;
  MergeTable merges_;
  std::array<int32_t, 256> byte_tokens_;      // [byte] kBytes: the byte's token; kText: the ASCII character's
  std::array<int32_t, 256> fallback_tokens_;  // [byte] <0xNN>
  BytePairTable byte_pairs_;                  // empty for TokenSpelling::kText
  bool cut_before_metaspace_ = false;

  // Whether a token's own text is encoded as that token: 0 not known yet, 1 yes, 2 no. Most words of a text are one
  // token, so this saves most merging. Every thread that computes an entry finds the same value.
  enum : uint8_t { kUnknown = 0, kWhole = 1, kParts = 2 };
  std::unique_ptr<std::atomic<uint8_t>[]> whole_;  // [ids]
};

}  // namespace spate
