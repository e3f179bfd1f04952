// Finds added tokens in text: leftmost, and of those that begin there the longest; an Aho-Corasick automaton, so the
// time does not depend on how many tokens there are. Immutable, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/regex.h"
#include "tokenizer/vocabulary.h"

namespace spate {

class AddedTokenFinder {
 public:
  struct Pattern {
    std::string text;  // what to look for: the token's text, or its normalized form
    AddedToken token;
  };
  // Texts are distinct and not empty.
  explicit AddedTokenFinder(std::vector<Pattern> patterns);

  bool empty() const { return patterns_.empty(); }

  struct Stretch {
    int32_t id;  // -1: text between tokens
    TextRange range;
  };
  // Cuts valid UTF-8 into tokens and what lies between. `literal`: special tokens are not recognised.
  std::vector<Stretch> Cut(std::string_view text, bool literal) const;

 private:
  struct Node {
    std::vector<std::pair<unsigned char, int32_t>> children;  // by byte
    int32_t fail = 0;
    int32_t pattern = -1;  // that ends here, or at the nearest node on the way of failure that has one
    uint32_t depth = 0;
  };
  struct Match {
    int32_t pattern = -1;
    TextRange range;
  };
  int32_t Child(int32_t node, unsigned char byte) const;
  Match Find(std::string_view text, size_t from) const;

  std::vector<Pattern> patterns_;
  std::vector<Node> nodes_;
  bool first_byte_[256] = {};
};

}  // namespace spate
