#include <algorithm>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "checkpoint/byte_level_tokens.h"
#include "checkpoint/gguf_vocabularies.h"
#include "checkpoint/merge_derivation.h"
#include "tokenizer/token_table.h"

namespace spate {
namespace {

constexpr std::string_view kMerges = "tokenizer.ggml.merges";
constexpr size_t kMaxMerges = size_t{1} << 23;
constexpr size_t kMaxTokenBytes = size_t{1} << 16;

std::string Show(std::string_view text) { return OneLine(text, 40); }

// Added tokens are written as they are, those of the model in the byte alphabet. These look the same in both.
bool IsPlainAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

void PlaceTokens(const GgufMetadata& metadata, const GgufTokens& tokens, Vocabulary* v) {
  v->tokens.reserve(tokens.texts.size());
  v->kinds.reserve(tokens.texts.size());
  for (size_t id = 0; id < tokens.texts.size(); ++id) {
    const std::string_view text = tokens.texts[id];
    if (text.size() > kMaxTokenBytes || !IsValidUtf8(text)) {
      metadata.Fail("tokenizer.ggml.tokens",
                    fmt::format("token {} is {}", id, text.size() > kMaxTokenBytes ? "too long" : "not valid UTF-8"));
    }
    v->tokens.emplace_back(text);
    const GgufTokenType type = tokens.types[id];
    if (type == GgufTokenType::kNormal || type == GgufTokenType::kByte) {
      v->kinds.push_back(TokenKind::kModel);
    } else if (type == GgufTokenType::kUnused) {  // fills the list up to the rows of a matrix
      v->kinds.push_back(text.empty() ? TokenKind::kAbsent : TokenKind::kOpaque);
    } else {
      // The model may know it too, and its merges speak of it (HideAdded).
      v->kinds.push_back(IsPlainAscii(text) ? TokenKind::kModel : TokenKind::kAbsent);
      v->added.push_back(
          {.id = static_cast<int32_t>(id), .text = std::string(text), .special = type != GgufTokenType::kUserDefined});
    }
  }
}

// "left right": the space is the first one behind the first character, since a token may begin with one.
void PlaceMerges(const GgufMetadata& metadata, const GgufStrings& merges, Vocabulary* v) {
  if (merges.size() > kMaxMerges) metadata.Fail(kMerges, fmt::format("more than {} merges", kMaxMerges));
  const TokenTable table(v->tokens, v->kinds);
  v->merges.reserve(merges.size());
  std::string joined;
  for (const std::string_view text : merges) {
    const size_t space = text.find(' ', 1);
    if (space == std::string_view::npos) {
      metadata.Fail(kMerges, fmt::format("merge {} is \"{}\", expected two tokens with a space between them",
                                         v->merges.size(), Show(text)));
    }
    if (space + 1 == text.size())
      metadata.Fail(kMerges, fmt::format("merge {} joins an empty token", v->merges.size()));
    joined.assign(text.substr(0, space)).append(text.substr(space + 1));
    const Merge merge{.left = table.Find(text.substr(0, space)),
                      .right = table.Find(text.substr(space + 1)),
                      .result = table.Find(joined)};
    if (merge.left < 0 || merge.right < 0 || merge.result < 0) {
      metadata.Fail(kMerges, fmt::format("merge {} is \"{}\", which speaks of a token that does not exist",
                                         v->merges.size(), Show(text)));
    }
    v->merges.push_back(merge);
  }
  v->merges_by_text = true;
}

// What no merge speaks of cannot come from text other than as an added token, whatever the text.
void HideAdded(Vocabulary* v) {
  std::vector<bool> merged(v->tokens.size());
  for (const Merge& merge : v->merges) {
    for (const int32_t id : {merge.left, merge.right, merge.result}) merged[static_cast<size_t>(id)] = true;
  }
  for (const AddedToken& token : v->added) {
    const size_t id = static_cast<size_t>(token.id);
    if (!merged[id]) v->kinds[id] = TokenKind::kAbsent;
  }
}

// For vocabularies whose ids are the ranks.
void DeriveMergesOfIds(Vocabulary* v) {
  std::vector<int32_t> ranks(v->tokens.size(), -1);
  for (size_t id = 0; id < ranks.size(); ++id) {
    if (v->kinds[id] == TokenKind::kModel) ranks[id] = static_cast<int32_t>(id);
  }
  v->merges = DeriveMerges(v->tokens, ranks);
  v->merges_by_text = true;
}

// Spaces are U+2581, and what has no token is spelled in bytes. Where the pattern drops them there are none.
void MakeSpelledAsText(bool drops_spaces, Vocabulary* v) {
  v->join_with_spaces = drops_spaces;
  if (drops_spaces) return;
  v->byte_fallback = true;
  v->normalizer = {NormalizeReplace{{" ", false}, "\u2581"}};
  v->decoder = {DecodeReplace{{"\u2581", false}, " "}, DecodeByteFallback{}, DecodeFuse{}};
}

}  // namespace

Vocabulary MakeGgufBpe(const GgufMetadata& metadata, const GgufTokens& tokens, const GgufPreTokenizer& pre) {
  Vocabulary v;
  PlaceTokens(metadata, tokens, &v);
  const std::optional<GgufStrings> merges = metadata.FindStrings(kMerges);
  if (merges) {
    PlaceMerges(metadata, *merges, &v);
  } else if (pre.name != "kimi-k2") {
    metadata.Fail(kMerges, "missing; a list of merges belongs to this kind of tokenizer");
  }
  HideAdded(&v);
  v.ignore_merges = pre.ignore_merges;
  v.pre_tokenizer = StepsOf(pre);
  if (pre.spells_text) {
    MakeSpelledAsText(pre.keeps_matches, &v);
    return v;
  }
  v.spelling = TokenSpelling::kBytes;
  UnspellTokens(&v);
  if (!merges) DeriveMergesOfIds(&v);
  v.pre_tokenizer.emplace_back(SplitByteLevel{.add_prefix_space = false, .use_regex = false});
  v.decoder = {DecodeByteLevel{}};
  return v;
}

}  // namespace spate
