#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "base/error.h"
#include "checkpoint/merge_derivation.h"
#include "convert/gguf/gguf_tokenizer_export.h"

namespace spate {
namespace {

constexpr std::string_view kMetaspace = "\u2581";

// What happens to a text before its characters are merged.
struct Preparation {
  bool add_prefix = false;
  bool collapse_spaces = false;
  bool prefix_first_only = false;
  std::string charsmap = {};
};

bool IsByteText(std::string_view text) { return text.size() == 6 && text.starts_with("<0x") && text.ends_with('>'); }

bool IsEscape(const NormalizerStep& step) {
  const auto* replace = std::get_if<NormalizeReplace>(&step);
  return replace != nullptr && !replace->pattern.is_regex && replace->pattern.text == " " &&
         replace->content == kMetaspace;
}

bool IsPrepend(const NormalizerStep& step) {
  const auto* prepend = std::get_if<NormalizePrepend>(&step);
  return prepend != nullptr && prepend->text == kMetaspace;
}

// A cut at spaces, of which none is left.
bool CutsNothing(const PreTokenizerStep& step) {
  const auto* split = std::get_if<SplitPattern>(&step);
  return split != nullptr && !split->pattern.is_regex && split->pattern.text == " ";
}

// nullopt: something else than SentencePiece does.
std::optional<Preparation> PreparationOf(const Vocabulary& v) {
  if (v.normalizer.size() == 1 && v.pre_tokenizer.empty()) {
    if (const auto* step = std::get_if<NormalizeSentencePiece>(v.normalizer.data())) {
      if (!step->escape_spaces || step->space_as_suffix) return std::nullopt;
      return Preparation{step->add_prefix, step->collapse_spaces, step->prefix_first_only, step->charsmap};
    }
  }
  if (v.normalizer.empty() && v.pre_tokenizer.size() == 1) {
    const auto* step = std::get_if<SplitMetaspace>(v.pre_tokenizer.data());
    if (step == nullptr || step->split || step->replacement != kMetaspace) return std::nullopt;
    return Preparation{.add_prefix = step->scheme != PrependScheme::kNever,
                       .prefix_first_only = step->scheme == PrependScheme::kFirst};
  }
  if (!std::ranges::all_of(v.pre_tokenizer, CutsNothing) || v.normalizer.empty()) return std::nullopt;
  const bool prefix = v.normalizer.size() == 2 && IsPrepend(v.normalizer[0]);
  if (v.normalizer.size() > 2 || (v.normalizer.size() == 2 && !prefix) || !IsEscape(v.normalizer.back())) {
    return std::nullopt;
  }
  return Preparation{.add_prefix = prefix};
}

// When each token is made: the lowest first. Those that no merge makes come last.
std::vector<int32_t> RanksOf(const Vocabulary& v, const std::vector<int32_t>& types) {
  std::vector<int32_t> ranks(v.tokens.size(), -1);
  int32_t next = 0;
  for (const Merge& merge : v.merges) {
    int32_t& rank = ranks[static_cast<size_t>(merge.result)];
    if (rank < 0) rank = merge.rank >= 0 ? merge.rank : next;
    next = std::max(next, rank + 1);
  }
  for (size_t id = 0; id < ranks.size(); ++id) {
    const bool normal = types[id] == static_cast<int32_t>(GgufTokenType::kNormal);
    if (normal && ranks[id] < 0) ranks[id] = next++;
    if (!normal) ranks[id] = -1;
  }
  return ranks;
}

// Scores know tokens only: all ways to make one are equal, and none is left out. Whether the list of merges is like
// that, which every list is that was made of a SentencePiece model.
bool ScoresSayIt(const Vocabulary& v, const std::vector<int32_t>& ranks) {
  std::set<std::pair<int32_t, int32_t>> listed;
  int32_t before = -1;
  for (const Merge& merge : v.merges) {
    const int32_t rank = ranks[static_cast<size_t>(merge.result)];
    const bool speaks_of_others =
        rank < 0 || ranks[static_cast<size_t>(merge.left)] < 0 || ranks[static_cast<size_t>(merge.right)] < 0;
    if (speaks_of_others || (merge.rank < 0 && rank < before)) return false;
    before = rank;
    listed.emplace(merge.left, merge.right);
  }
  const std::vector<Merge> derived = DeriveMerges(v.tokens, ranks);
  return derived.size() == listed.size() && std::ranges::all_of(derived, [&](const Merge& merge) {
           return listed.contains({merge.left, merge.right});
         });
}

void SetTypes(const Vocabulary& v, GgufTokenList* list) {
  for (size_t i = 0; i < v.tokens.size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    if (v.kinds[i] == TokenKind::kAbsent) continue;
    const bool byte = v.byte_fallback && IsByteText(v.tokens[i]);
    const GgufTokenType type = v.kinds[i] == TokenKind::kOpaque ? GgufTokenType::kUnused
                               : id == v.unk                    ? GgufTokenType::kUnknown
                               : byte                           ? GgufTokenType::kByte
                                                                : GgufTokenType::kNormal;
    list->Set(id, v.tokens[i], type);
  }
  for (const int32_t id : v.fixed)
    list->types[static_cast<size_t>(id)] = static_cast<int32_t>(GgufTokenType::kUserDefined);
}

}  // namespace

void AddSentencePieceTokenizer(const Vocabulary& v, const std::string& what, GgufTokenList* list, GgufHeader* header,
                               std::vector<std::string>* notes) {
  const std::optional<Preparation> preparation = PreparationOf(v);
  if (!preparation || v.ignore_merges || !v.subword_prefix.empty() || !v.word_suffix.empty()) {
    throw Error(ErrorCode::kBadInput,
                "{}: neither byte-level BPE nor what SentencePiece does, which GGUF cannot "
                "express (--no-tokenizer leaves it out)",
                what);
  }
  SetTypes(v, list);
  std::vector<int32_t> types = list->types;
  for (const AddedToken& token : v.added) types[static_cast<size_t>(token.id)] = 0;
  const std::vector<int32_t> ranks = RanksOf(v, types);
  if (!ScoresSayIt(v, ranks)) {
    throw Error(ErrorCode::kBadInput,
                "{}: merges that no SentencePiece model has, so that scores cannot express them "
                "(--no-tokenizer leaves the tokenizer out)",
                what);
  }
  std::vector<float> scores(list->texts.size(), 0.0f);
  for (size_t id = 0; id < ranks.size(); ++id) {
    if (ranks[id] > 0) scores[id] = -static_cast<float>(ranks[id]);
  }
  header->String("tokenizer.ggml.model", "llama");
  header->String("tokenizer.ggml.pre", "default");
  header->Floats("tokenizer.ggml.scores", scores);
  header->Bool("tokenizer.ggml.add_space_prefix", preparation->add_prefix);
  header->Bool("tokenizer.ggml.remove_extra_whitespaces", preparation->collapse_spaces);
  if (!preparation->charsmap.empty()) {
    header->ByteList("tokenizer.ggml.precompiled_charsmap", preparation->charsmap);
    notes->push_back(
        "the tokenizer replaces characters (a SentencePiece character map); not every program that reads "
        "GGUF does");
  }
  if (preparation->prefix_first_only) {
    notes->push_back(
        "the space before a text goes before its first word only; programs that read GGUF put one behind "
        "every special token, too");
  }
}

}  // namespace spate
