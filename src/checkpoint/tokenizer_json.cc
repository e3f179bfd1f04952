#include "checkpoint/tokenizer_json.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "checkpoint/byte_level_tokens.h"
#include "checkpoint/tokenizer_config.h"
#include "checkpoint/tokenizer_json_parts.h"
#include "tokenizer/token_table.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr size_t kMaxShown = 40;
constexpr double kUnkPenalty = 10;  // below the least likely token
constexpr int64_t kMaxWordCharacters = 1 << 20;

std::string Show(std::string_view text) { return OneLine(text, kMaxShown); }

std::vector<AddedToken> ReadAddedTokens(const json& root, std::string_view what) {
  std::vector<AddedToken> added;
  const json* list = FindArray(root, "added_tokens", what);
  if (list == nullptr) return added;
  for (const json& entry : *list) {
    const std::string where = fmt::format("{}: added_tokens[{}]", what, added.size());
    const int64_t id = GetInt(entry, "id", std::nullopt, 0, kMaxTokenId, where);
    AddedToken token = ReadAddedToken(entry, static_cast<int32_t>(id), where);
    if (!token.text.empty()) added.push_back(std::move(token));
  }
  return added;
}

// tokens and kinds, as the file spells them.
void PlaceTokens(const TokenizerJsonParts& parts, std::string_view what, Vocabulary* v) {
  int32_t max_id = -1;
  for (const TokenPlace& token : parts.vocab) max_id = std::max(max_id, token.id);
  for (const AddedToken& token : v->added) max_id = std::max(max_id, token.id);
  MakeRoomForIds(max_id, parts.vocab.size() + v->added.size(), "a token", std::string(what), v);
  const std::string_view all = parts.vocab_text;
  for (const TokenPlace& token : parts.vocab) {
    const std::string_view text = all.substr(token.begin, token.end - token.begin);
    const size_t at = static_cast<size_t>(token.id);
    if (v->kinds[at] != TokenKind::kAbsent) {
      throw Error(ErrorCode::kBadInput, "{}: model.vocab: '{}' and '{}' both have id {}", what, Show(v->tokens[at]),
                  Show(text), token.id);
    }
    v->tokens[at] = text;
    v->kinds[at] = TokenKind::kModel;
  }
}

void PlaceMerges(const TokenizerJsonParts& parts, const TokenTable& table, std::string_view what, Vocabulary* v) {
  v->merges.reserve(parts.merges.size());
  const std::string_view all = parts.merge_text;
  std::string without_prefix;
  for (const MergeText& m : parts.merges) {
    const std::string_view left = all.substr(m.begin, m.middle - m.begin);
    const std::string_view right = all.substr(m.middle, m.end - m.middle);
    std::string_view joined = all.substr(m.begin, m.end - m.begin);
    if (!v->subword_prefix.empty()) {
      without_prefix = fmt::format("{}{}", left, right.substr(std::min(right.size(), v->subword_prefix.size())));
      joined = without_prefix;
    }
    const Merge merge{.left = table.Find(left), .right = table.Find(right), .result = table.Find(joined)};
    if (merge.left < 0 || merge.right < 0 || merge.result < 0) {
      throw Error(ErrorCode::kBadInput, "{}: model.merges[{}]: '{}' is not in the vocabulary", what, v->merges.size(),
                  Show(merge.left < 0    ? left
                       : merge.right < 0 ? right
                                         : joined));
    }
    if (left.empty() || right.empty()) {  // joining nothing would go on forever
      throw Error(ErrorCode::kBadInput, "{}: model.merges[{}] joins an empty token", what, v->merges.size());
    }
    v->merges.push_back(merge);
  }
  v->merges_by_text = v->subword_prefix.empty();
}

struct ModelField {
  const json* options;
  std::string where;
  ModelKind kind;
};

ModelField FindModel(const json& root, const TokenizerJsonParts& parts, std::string_view what) {
  ModelField model{FindObject(root, "model", what), fmt::format("{}: model", what), ModelKind::kBpe};
  if (model.options == nullptr) throw Error(ErrorCode::kBadInput, "{}: no model", what);
  // Old files have no type, but each kind has fields of its own.
  const auto has = [&](std::string_view key) { return FindField(*model.options, key, model.where) != nullptr; };
  const std::string_view guess = parts.has_merges                  ? "BPE"
                                 : has("unk_id")                   ? "Unigram"
                                 : has("max_input_chars_per_word") ? "WordPiece"
                                                                   : "without a type";
  const std::string type = GetString(*model.options, "type", std::string(guess), model.where);
  if (type == "Unigram") {
    model.kind = ModelKind::kUnigram;
  } else if (type == "WordPiece") {
    model.kind = ModelKind::kWordPiece;
  } else if (type != "BPE") {
    throw Error(ErrorCode::kBadInput, "{} is {}, supported: BPE, Unigram, WordPiece", model.where, Show(type));
  }
  return model;
}

void CheckBpe(const ModelField& model, const TokenizerJsonParts& parts) {
  if (!parts.has_vocab || !parts.has_merges) {
    throw Error(ErrorCode::kBadInput, "{} has no {}", model.where, parts.has_vocab ? "merges" : "vocab");
  }
  if (GetFloat(*model.options, "dropout", 0.0, 0.0, 1.0, model.where) != 0) {
    throw Error(ErrorCode::kBadInput, "{}: dropout gives another result each time; set it to null", model.where);
  }
}

// [["<unk>", 0.0], ["a", -2.5], ...], whose places are the ids; taken out of parts->rest, where it is large.
void TakeUnigramVocab(const ModelField& model, TokenizerJsonParts* parts, Vocabulary* v) {
  const json* list = FindArray(*model.options, "vocab", model.where);
  if (list == nullptr) throw Error(ErrorCode::kBadInput, "{} has no vocab", model.where);
  std::vector<TokenPlace>& vocab = parts->vocab;
  double lowest = std::numeric_limits<double>::infinity();
  for (const json& entry : *list) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
      throw Error(ErrorCode::kBadInput, "{}.vocab[{}]: expected [\"text\", score]", model.where, vocab.size());
    }
    const auto begin = static_cast<uint32_t>(parts->vocab_text.size());
    parts->vocab_text += entry[0].get_ref<const std::string&>();
    vocab.push_back({begin, static_cast<uint32_t>(parts->vocab_text.size()), static_cast<int32_t>(vocab.size())});
    v->scores.push_back(entry[1].get<double>());
    lowest = std::min(lowest, v->scores.back());
  }
  v->model = ModelKind::kUnigram;
  v->unk_score = std::isfinite(lowest) ? lowest - kUnkPenalty : 0;
  if (FindField(*model.options, "unk_id", model.where) != nullptr) {
    if (vocab.empty()) throw Error(ErrorCode::kBadInput, "{}: unk_id of an empty vocab", model.where);
    v->unk = static_cast<int32_t>(
        GetInt(*model.options, "unk_id", std::nullopt, 0, static_cast<int64_t>(vocab.size()) - 1, model.where));
  }
  parts->rest["model"].erase("vocab");
}

void ReadUnk(const ModelField& model, std::optional<std::string> fallback, Vocabulary* v) {
  const std::string unk = GetString(*model.options, "unk_token", std::move(fallback), model.where);
  if (unk.empty()) return;
  v->unk = FindToken(*v, unk);
  if (v->unk < 0) {
    throw Error(ErrorCode::kBadInput, "{}: unk_token '{}' is not in the vocabulary", model.where, Show(unk));
  }
}

// The fields without which the reference opens no WordPiece model.
void ReadWordPieceOptions(const ModelField& model, const TokenizerJsonParts& parts, Vocabulary* v) {
  if (!parts.has_vocab) throw Error(ErrorCode::kBadInput, "{} has no vocab", model.where);
  v->model = ModelKind::kWordPiece;
  v->subword_prefix = GetString(*model.options, "continuing_subword_prefix", std::nullopt, model.where);
  v->max_word_characters = static_cast<size_t>(
      GetInt(*model.options, "max_input_chars_per_word", std::nullopt, 0, kMaxWordCharacters, model.where));
}

void ReadBpeOptions(const ModelField& model, Vocabulary* v) {
  v->fuse_unk = GetBool(*model.options, "fuse_unk", false, model.where);
  v->ignore_merges = GetBool(*model.options, "ignore_merges", false, model.where);
}

}  // namespace

Vocabulary ParseTokenizerJson(std::string_view text, std::string_view config_json, std::string_view what) {
  TokenizerJsonParts parts = TakeTokenizerJsonApart(text, what);
  const json& root = parts.rest;
  const ModelField model = FindModel(root, parts, what);
  Vocabulary v;
  if (model.kind == ModelKind::kUnigram) {
    TakeUnigramVocab(model, &parts, &v);
  } else if (model.kind == ModelKind::kWordPiece) {
    ReadWordPieceOptions(model, parts, &v);
  } else {
    CheckBpe(model, parts);
    v.subword_prefix = GetString(*model.options, "continuing_subword_prefix", "", model.where);
    v.word_suffix = GetString(*model.options, "end_of_word_suffix", "", model.where);
  }
  v.normalizer = ReadNormalizer(root, what);
  v.pre_tokenizer = ReadPreTokenizer(root, what);
  v.post_processor = ReadPostProcessor(root, what);
  v.decoder = ReadDecoder(root, what);
  v.join_with_spaces = v.decoder.empty();
  v.added = ReadAddedTokens(root, what);
  PlaceTokens(parts, what, &v);
  parts.vocab = {};
  parts.vocab_text = {};
  v.byte_fallback = GetBool(*model.options, "byte_fallback", false, model.where);
  {
    const TokenTable table(v.tokens, v.kinds);
    if (const auto twice = table.duplicate(); twice.second >= 0) {
      throw Error(ErrorCode::kBadInput, "{}: model.vocab: '{}' occurs twice", what,
                  Show(v.tokens[static_cast<size_t>(twice.first)]));
    }
    if (model.kind == ModelKind::kBpe) PlaceMerges(parts, table, what, &v);
  }
  if (model.kind == ModelKind::kUnigram) {
    v.scores.resize(v.tokens.size(), -std::numeric_limits<double>::infinity());
  } else if (model.kind == ModelKind::kWordPiece) {
    ReadUnk(model, std::nullopt, &v);
  } else {
    ReadBpeOptions(model, &v);
    ReadUnk(model, "", &v);
  }
  for (const PreTokenizerStep& step : v.pre_tokenizer) {
    if (std::holds_alternative<SplitByteLevel>(step)) v.spelling = TokenSpelling::kBytes;
  }
  if (v.spelling == TokenSpelling::kBytes) UnspellTokens(&v);
  if (!config_json.empty()) {
    const std::string where = fmt::format("{} (config)", what);
    ApplyTokenizerConfig(ParseJson(config_json, {}, where), where, &v);
  }
  return v;
}

}  // namespace spate
