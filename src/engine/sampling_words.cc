#include "engine/sampling_words.h"

#include <algorithm>
#include <string>

#include "base/error.h"

namespace spate {
namespace {

constexpr EncodeOptions kPlainText{.add_special = false, .parse_special = false};

}  // namespace

std::vector<int32_t> BreakerIds(const std::vector<std::string>& breakers, const Tokenizer& tokenizer, int vocab) {
  std::vector<int32_t> ids;
  const int32_t end = std::min(vocab, tokenizer.vocab_size());
  for (const std::string& breaker : breakers) {
    const size_t before = ids.size();
    for (int32_t id = 0; id < end; ++id) {
      if (tokenizer.TokenText(id).find(breaker) != std::string_view::npos) ids.push_back(id);
    }
    if (ids.size() > before) continue;
    const std::vector<int32_t> pieces = tokenizer.Encode("a" + breaker, kPlainText);
    if (!pieces.empty() && pieces.back() < vocab) ids.push_back(pieces.back());
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

std::vector<std::vector<int32_t>> BadWordIds(std::string_view word, const Tokenizer& tokenizer) {
  std::vector<std::vector<int32_t>> words;
  word.remove_prefix(std::min(word.find_first_not_of(' '), word.size() - 1));  // a space alone stays
  std::vector<int32_t> plain = tokenizer.Encode(word, kPlainText);
  std::vector<int32_t> spaced = tokenizer.Encode(" " + std::string(word), kPlainText);
  if (plain.empty()) return words;
  const bool covered = spaced.size() >= plain.size() && std::equal(plain.rbegin(), plain.rend(), spaced.rbegin());
  words.push_back(std::move(plain));
  if (!covered) words.push_back(std::move(spaced));
  return words;
}

void ResolveWords(SamplingParams& params, const Tokenizer* tokenizer, int vocab) {
  if (!params.bad_words.empty() && tokenizer == nullptr) {
    throw Error(ErrorCode::kUsage, "bad_words: the model has no tokenizer that could read them; use bad_words_ids");
  }
  for (const std::string& word : params.bad_words) {
    for (std::vector<int32_t>& ids : BadWordIds(word, *tokenizer)) {
      // What the model cannot produce needs no ban.
      const bool possible = std::all_of(ids.begin(), ids.end(), [&](int32_t id) { return id < vocab; });
      if (possible) params.bad_words_ids.push_back(std::move(ids));
    }
  }
  params.bad_words.clear();
  if (params.dry_multiplier > 0 && tokenizer != nullptr) {
    const std::vector<int32_t> ids = BreakerIds(params.dry_breakers, *tokenizer, vocab);
    params.dry_breaker_ids.insert(params.dry_breaker_ids.end(), ids.begin(), ids.end());
  }
  params.dry_breakers.clear();
}

}  // namespace spate
