#include "tokenizer/bpe.h"

#include <algorithm>
#include <functional>

#include "base/check.h"
#include "tokenizer/unicode.h"

namespace spate {
namespace {

constexpr std::string_view kMetaspace = "\u2581";

// Up to this many symbols a scan for the lowest rank beats a heap.
constexpr size_t kShortWord = 48;

// From here on one list per rank beats a heap; before, making the lists costs more than it saves.
constexpr size_t kLongWord = 16384;
constexpr size_t kMaxBuckets = size_t{1} << 24;

// Where a part ends that no merge can join to what follows: before a metaspace that has another character on its left.
size_t PartEnd(std::string_view word, size_t begin) {
  for (size_t at = begin;;) {
    at = word.find(kMetaspace, at);
    if (at == std::string_view::npos) return word.size();
    const bool behind_metaspace = at >= begin + kMetaspace.size() && word.substr(0, at).ends_with(kMetaspace);
    if (at > begin && !behind_metaspace) return at;
    at += kMetaspace.size();
  }
}

// A metaspace inside the token, behind some other character.
bool HoldsMetaspaceInside(std::string_view token) { return PartEnd(token, 0) < token.size(); }

}  // namespace

Bpe::Bpe(const Vocabulary& vocabulary)
    : vocabulary_(&vocabulary),
      tokens_(vocabulary.tokens, vocabulary.kinds),
      merges_(vocabulary.merges),
      whole_(std::make_unique<std::atomic<uint8_t>[]>(vocabulary.tokens.size())) {
  const bool bytes = vocabulary.spelling == TokenSpelling::kBytes;
  for (size_t b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    byte_tokens_[b] = bytes || b < 128 ? tokens_.Find({&byte, 1}) : -1;
    fallback_tokens_[b] = vocabulary.byte_fallback ? tokens_.Find(fmt::format("<0x{:02X}>", b)) : -1;
  }
  if (bytes) byte_pairs_ = BytePairTable(vocabulary.merges, merges_, byte_tokens_, vocabulary.tokens.size());
  // A metaspace that is a token of its own ends a run of unknown characters, so parts do not even share an unk.
  const bool affixes = !vocabulary.subword_prefix.empty() || !vocabulary.word_suffix.empty();
  cut_before_metaspace_ = !bytes && !affixes && tokens_.Find(kMetaspace) >= 0 &&
                          std::none_of(vocabulary.merges.begin(), vocabulary.merges.end(), [&](const Merge& merge) {
                            return HoldsMetaspaceInside(vocabulary.tokens[static_cast<size_t>(merge.result)]);
                          });
}

void Bpe::Encode(std::string_view word, BpeScratch* scratch, std::vector<int32_t>* ids) const {
  if (vocabulary_->ignore_merges) {
    const int32_t id = tokens_.Find(word);
    if (id >= 0) {
      ids->push_back(id);
      return;
    }
  }
  if (!cut_before_metaspace_) return EncodePart(word, scratch, ids);
  for (size_t at = 0; at < word.size();) {
    const size_t end = PartEnd(word, at);
    EncodePart(word.substr(at, end - at), scratch, ids);
    at = end;
  }
}

void Bpe::EncodePart(std::string_view part, BpeScratch* scratch, std::vector<int32_t>* ids) const {
  const int32_t whole = tokens_.Find(part);
  if (whole >= 0 && whole_[static_cast<size_t>(whole)].load(std::memory_order_relaxed) == kWhole) {
    ids->push_back(whole);
    return;
  }
  MakeSymbols(part, &scratch->symbols);
  if (scratch->symbols.size() <= kShortWord) {
    MergeShort(part, &scratch->symbols);
  } else if (scratch->symbols.size() <= kLongWord || merges_.rank_end() > kMaxBuckets) {
    MergeLong(scratch->symbols, scratch->heap);
  } else {
    MergeLong(scratch->symbols, scratch->buckets);
  }
  for (const BpeScratch::Symbol& symbol : scratch->symbols) ids->push_back(symbol.id);
  if (whole >= 0) {
    const bool is_whole = scratch->symbols.size() == 1 && scratch->symbols[0].id == whole;
    whole_[static_cast<size_t>(whole)].store(is_whole ? kWhole : kParts, std::memory_order_relaxed);
  }
}

void Bpe::MakeSymbols(std::string_view part, std::vector<BpeScratch::Symbol>* symbols) const {
  if (!vocabulary_->subword_prefix.empty() || !vocabulary_->word_suffix.empty()) {
    return MakeAffixedSymbols(part, symbols);
  }
  symbols->clear();
  symbols->reserve(part.size());
  const auto put = [&](int32_t id) { symbols->push_back({id, -1, MergeTable::kNoRank, 0, 0}); };
  const bool bytes = vocabulary_->spelling == TokenSpelling::kBytes;
  bool unknown = false;  // an unk is owed; it comes before the next known character, so that it can be fused
  for (size_t at = 0; at < part.size();) {
    const unsigned char first = static_cast<unsigned char>(part[at]);
    const size_t length = bytes || first < 128 ? 1 : ReadCodePoint(part, at).bytes;
    const std::string_view character = part.substr(at, length);
    at += length;
    const int32_t id = length == 1 ? byte_tokens_[first] : tokens_.Find(character);
    if (id >= 0) {
      if (unknown) put(vocabulary_->unk);
      unknown = false;
      put(id);
      continue;
    }
    const bool falls_back = vocabulary_->byte_fallback && std::all_of(character.begin(), character.end(), [&](char c) {
                              return fallback_tokens_[static_cast<unsigned char>(c)] >= 0;
                            });
    if (falls_back) {  // an unk that is owed stays owed, as in Hugging Face tokenizers
      for (const char c : character) put(fallback_tokens_[static_cast<unsigned char>(c)]);
      continue;
    }
    if (vocabulary_->unk < 0) continue;
    if (unknown && !vocabulary_->fuse_unk) put(vocabulary_->unk);
    unknown = true;
  }
  if (unknown) put(vocabulary_->unk);
}

void Bpe::MergeShort(std::string_view part, std::vector<BpeScratch::Symbol>* symbols) const {
  std::vector<BpeScratch::Symbol>& s = *symbols;
  const auto put = [&](size_t i, const MergeTable::Entry& entry) {
    s[i].rank = entry.rank;
    s[i].result = entry.result;
  };
  const auto rank = [&](size_t i) { put(i, merges_.Find(s[i].id, s[i + 1].id)); };
  if (s.empty()) return;
  if (!byte_pairs_.empty() && part.size() == s.size()) {  // a symbol per byte: none was unknown
    for (size_t i = 0; i + 1 < s.size(); ++i) {
      put(i, byte_pairs_.Find(part[i], part[i + 1]));
    }
  } else {
    for (size_t i = 0; i + 1 < s.size(); ++i) rank(i);
  }
  for (;;) {
    size_t best = 0;
    for (size_t i = 1; i < s.size(); ++i) {
      if (s[i].rank < s[best].rank) best = i;
    }
    if (s[best].rank == MergeTable::kNoRank) return;
    s[best].id = s[best].result;
    s.erase(s.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    s[best].rank = MergeTable::kNoRank;
    if (best + 1 < s.size()) rank(best);
    if (best > 0) rank(best - 1);
  }
}

// What is popped is stale when its position has another rank by now.
template <typename Queue>
void Bpe::MergeLong(std::vector<BpeScratch::Symbol>& s, Queue& queue) const {
  CHECK(s.size() < UINT32_MAX, "a word of {} symbols", s.size());
  constexpr uint32_t kEnd = UINT32_MAX;
  const uint32_t count = static_cast<uint32_t>(s.size());
  const auto push = [&](uint32_t i) {
    const MergeTable::Entry entry = merges_.Find(s[i].id, s[s[i].right].id);
    s[i].rank = entry.rank;
    s[i].result = entry.result;
    if (entry.rank != MergeTable::kNoRank) queue.Push({entry.rank, i});
  };
  for (uint32_t i = 0; i < count; ++i) {
    s[i].left = i == 0 ? kEnd : i - 1;
    s[i].right = i + 1 == count ? kEnd : i + 1;
    if (s[i].right != kEnd) push(i);
  }

  constexpr int32_t kRemoved = -1;
  for (WaitingMerge next; queue.Pop(&next);) {
    const uint32_t at = next.position;
    if (s[at].rank != next.rank) continue;
    const uint32_t gone = s[at].right;
    s[at].id = s[at].result;
    s[at].right = s[gone].right;
    s[at].rank = MergeTable::kNoRank;
    s[gone].id = kRemoved;
    s[gone].rank = MergeTable::kNoRank;
    if (s[at].right != kEnd) {
      s[s[at].right].left = at;
      push(at);
    }
    if (s[at].left != kEnd) push(s[at].left);
  }
  std::erase_if(s, [](const BpeScratch::Symbol& symbol) { return symbol.id == kRemoved; });
}

}  // namespace spate
