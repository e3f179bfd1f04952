#include "tokenizer/unigram.h"

#include <cmath>

#include "base/check.h"
#include "base/error.h"
#include "tokenizer/unicode.h"

namespace spate {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

PieceTrie MakeTrie(const Vocabulary& v) {
  std::vector<PieceTrie::Entry> entries;
  entries.reserve(v.tokens.size());
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    if (v.kinds[id] == TokenKind::kModel && std::isfinite(v.scores[id])) {
      entries.push_back({v.tokens[id], static_cast<int32_t>(id)});
    }
  }
  return PieceTrie(std::move(entries));
}

}  // namespace

Unigram::Unigram(const Vocabulary& vocabulary)
    : vocabulary_(&vocabulary), tokens_(vocabulary.tokens, vocabulary.kinds), trie_(MakeTrie(vocabulary)) {
  for (size_t b = 0; b < 256; ++b) {
    fallback_tokens_[b] = vocabulary.byte_fallback ? tokens_.Find(fmt::format("<0x{:02X}>", b)) : -1;
  }
}

// The first of equal cuts stays: the one whose last token begins furthest left. Sums are rounded as the references
// round them, or ties would fall otherwise.
template <typename Sum>
void Unigram::FindBest(std::string_view word, UnigramScratch* scratch) const {
  CHECK(word.size() < kNone, "a word of {} bytes", word.size());
  std::vector<UnigramScratch::End>& ends = scratch->ends;
  ends.assign(word.size() + 1, {0, -1, kNone});
  const bool bytes = vocabulary_->spelling == TokenSpelling::kBytes;
  const auto offer = [&](size_t start, size_t end, double score, int32_t id) {
    UnigramScratch::End& target = ends[end];
    const double sum = static_cast<double>(static_cast<Sum>(score + ends[start].score));
    if (target.start == kNone || sum > target.score) {
      target = {sum, id, static_cast<uint32_t>(start)};
    }
  };
  for (size_t start = 0; start < word.size();) {
    const size_t character = bytes ? 1 : ReadCodePoint(word, start).bytes;
    bool known = false;
    int32_t node = PieceTrie::kRoot;
    for (size_t at = start; at < word.size();) {
      node = trie_.Step(node, word[at++]);
      if (node < 0) break;
      const int32_t id = trie_.Value(node);
      if (id < 0) continue;
      offer(start, at, vocabulary_->scores[static_cast<size_t>(id)], id);
      known |= at - start == character;
    }
    if (!known) offer(start, start + character, vocabulary_->unk_score, -1);
    start += character;
  }
}

void Unigram::PutUnknown(std::string_view run, std::vector<int32_t>* ids) const {
  // Hugging Face looks the run of unknown characters up once more.
  const int32_t whole = vocabulary_->single_precision ? -1 : tokens_.Find(run);
  if (whole >= 0) {
    ids->push_back(whole);
    return;
  }
  bool falls_back = vocabulary_->byte_fallback;
  for (const char c : run) falls_back = falls_back && fallback_tokens_[static_cast<unsigned char>(c)] >= 0;
  if (falls_back) {
    for (const char c : run) ids->push_back(fallback_tokens_[static_cast<unsigned char>(c)]);
  } else if (vocabulary_->unk >= 0) {
    ids->push_back(vocabulary_->unk);
  } else {
    throw Error(ErrorCode::kBadInput, "tokenizer: the text has characters without a token, and there is no unk token");
  }
}

void Unigram::Encode(std::string_view word, UnigramScratch* scratch, std::vector<int32_t>* ids) const {
  if (vocabulary_->single_precision) {
    FindBest<float>(word, scratch);
  } else {
    FindBest<double>(word, scratch);
  }
  std::vector<UnigramScratch::End>& path = scratch->path;
  path.clear();
  for (size_t end = word.size(); end > 0; end = scratch->ends[end].start) {
    path.push_back(scratch->ends[end]);
  }
  // Unknown characters in a row are one token.
  size_t run_begin = 0;
  bool in_run = false;
  const auto end_run = [&](size_t end) {
    if (in_run) PutUnknown(word.substr(run_begin, end - run_begin), ids);
    in_run = false;
  };
  for (auto it = path.rbegin(); it != path.rend(); ++it) {
    if (it->id < 0 || it->id == vocabulary_->unk) {
      if (!in_run) run_begin = it->start;
      in_run = true;
      continue;
    }
    end_run(it->start);
    ids->push_back(it->id);
  }
  end_run(word.size());
}

}  // namespace spate
