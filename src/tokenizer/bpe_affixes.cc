// Symbols of vocabularies whose tokens say where in a word they stand: a prefix on all but the first ("##ing"), or a
// suffix on the last ("dog</w>"). A character is looked up with what belongs to its place.
#include <algorithm>

#include "tokenizer/bpe.h"
#include "tokenizer/unicode.h"

namespace spate {

void Bpe::MakeAffixedSymbols(std::string_view word, std::vector<BpeScratch::Symbol>* symbols) const {
  const Vocabulary& v = *vocabulary_;
  symbols->clear();
  const auto put = [&](int32_t id) { symbols->push_back({id, -1, MergeTable::kNoRank, 0, 0}); };
  const bool bytes = v.spelling == TokenSpelling::kBytes;
  bool unknown = false;  // an unk is owed, as in MakeSymbols
  std::string character;
  for (size_t at = 0; at < word.size();) {
    const size_t length = bytes ? 1 : ReadCodePoint(word, at).bytes;
    character.clear();
    if (at > 0) character += v.subword_prefix;
    character += word.substr(at, length);
    at += length;
    if (at == word.size()) character += v.word_suffix;
    const int32_t id = tokens_.Find(character);
    if (id >= 0) {
      if (unknown) put(v.unk);
      unknown = false;
      put(id);
      continue;
    }
    const bool falls_back = v.byte_fallback && std::ranges::all_of(character, [&](char c) {
                              return fallback_tokens_[static_cast<unsigned char>(c)] >= 0;
                            });
    if (falls_back) {
      for (const char c : character) put(fallback_tokens_[static_cast<unsigned char>(c)]);
      continue;
    }
    if (v.unk < 0) continue;
    if (unknown && !v.fuse_unk) put(v.unk);
    unknown = true;
  }
  if (unknown) put(v.unk);
}

}  // namespace spate
