// SentencePiece's precompiled character map: strings of characters and what stands for them, as a double-array trie
// and a list of replacements in one blob. Every index of the blob is checked. Immutable, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spate {

class CharsMap {
 public:
  // An empty blob changes nothing. Throws Error(kBadInput) if it is cut off or its replacements are no text.
  explicit CharsMap(std::string_view blob);

  struct Match {
    size_t bytes;  // of the text, whole characters
    std::string_view replacement;
  };
  // The longest entry that valid UTF-8 begins with.
  std::optional<Match> Longest(std::string_view text) const { return Find(text, false); }
  std::optional<Match> Shortest(std::string_view text) const { return Find(text, true); }

  // The text as Hugging Face's "Precompiled" normalizer changes it. That one asks for whole graphemes of up to five
  // bytes first, and replaces all of one by what stands for its beginning.
  std::string ApplyToGraphemes(std::string_view text) const;

 private:
  std::optional<Match> Find(std::string_view text, bool shortest) const;

  std::vector<uint32_t> units_;
  std::string replacements_;  // each ends with a NUL
};

}  // namespace spate
