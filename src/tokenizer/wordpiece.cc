#include "tokenizer/wordpiece.h"

#include <algorithm>

namespace spate {
namespace {

constexpr size_t kMaxCharacterBytes = 4;

// Without the tokens that are longer than any word that is looked at.
PieceTrie MakeTrie(const Vocabulary& v) {
  const size_t max_bytes = v.subword_prefix.size() + v.max_word_characters * kMaxCharacterBytes;
  std::vector<PieceTrie::Entry> entries;
  entries.reserve(v.tokens.size());
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    if (v.kinds[id] != TokenKind::kModel || v.tokens[id].size() > max_bytes) continue;
    entries.push_back({v.tokens[id], static_cast<int32_t>(id)});
  }
  return PieceTrie(std::move(entries));
}

int32_t NodeBehind(const PieceTrie& trie, std::string_view prefix) {
  int32_t node = PieceTrie::kRoot;
  for (size_t at = 0; at < prefix.size() && node >= 0; ++at) node = trie.Step(node, prefix[at]);
  return node;
}

bool HasMoreCharacters(std::string_view word, size_t limit) {
  if (word.size() <= limit) return false;
  const auto begins_one = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  return static_cast<size_t>(std::ranges::count_if(word, begins_one)) > limit;
}

}  // namespace

WordPiece::WordPiece(const Vocabulary& vocabulary)
    : vocabulary_(&vocabulary),
      tokens_(vocabulary.tokens, vocabulary.kinds),
      trie_(MakeTrie(vocabulary)),
      continuation_(NodeBehind(trie_, vocabulary.subword_prefix)) {}

void WordPiece::Encode(std::string_view word, std::vector<int32_t>* ids) const {
  const size_t before = ids->size();
  bool covered = !HasMoreCharacters(word, vocabulary_->max_word_characters);
  int32_t from = PieceTrie::kRoot;
  for (size_t start = 0; covered && start < word.size();) {
    // Tokens and the word are valid UTF-8, so that every match ends with a character.
    int32_t longest = -1;
    size_t end = start;
    int32_t node = from;
    for (size_t at = start; node >= 0 && at < word.size();) {
      node = trie_.Step(node, word[at++]);
      if (node < 0 || trie_.Value(node) < 0) continue;
      longest = trie_.Value(node);
      end = at;
    }
    covered = longest >= 0;
    ids->push_back(longest);
    start = end;
    from = continuation_;
  }
  if (covered) return;
  ids->resize(before);
  ids->push_back(vocabulary_->unk);
}

}  // namespace spate
