// What SentencePiece does to a text before its model: characters mapped, spaces collapsed, one put in front, all of
// them spelled U+2581. Immutable, thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tokenizer/chars_map.h"
#include "tokenizer/piece_trie.h"
#include "tokenizer/vocabulary.h"

namespace spate {

class SentencePieceNormalizer {
 public:
  explicit SentencePieceNormalizer(const NormalizeSentencePiece& step);

  // `text` is valid UTF-8. `at_start`: it is the start of the whole input.
  std::string Apply(std::string_view text, bool at_start) const;

 private:
  struct Piece {
    size_t bytes;           // of the text
    std::string_view text;  // what stands for them
  };
  Piece Next(std::string_view text) const;

  NormalizeSentencePiece step_;
  CharsMap map_;
  PieceTrie kept_;
};

}  // namespace spate
