#include "checkpoint/tokenizer_config.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "tokenizer/byte_alphabet.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr size_t kMaxShown = 40;
constexpr size_t kMaxAdded = size_t{1} << 20;
// Ids that a vocabulary may leave out, beside one for every four tokens: those of published tokenizers leave out some
// hundreds at most, and each takes as much memory here as a token.
constexpr size_t kFreeHoles = 512;

std::string Show(std::string_view text) { return OneLine(text, kMaxShown); }

// A token is given as its text or as an object with its flags.
std::string NamedToken(const json& config, std::string_view key, const std::string& where) {
  const json* value = FindField(config, key, where);
  if (value != nullptr && value->is_object()) return GetString(*value, "content", std::nullopt, where);
  return GetString(config, key, "", where);
}

// The id of the token that `key` names; -1: it names none, or one that need not be there.
int32_t NamedId(const json& config, std::string_view key, bool required, const std::string& where,
                const Vocabulary& v) {
  const std::string name = NamedToken(config, key, where);
  if (name.empty()) return -1;
  const int32_t id = FindToken(v, name);
  if (id < 0 && required) {
    throw Error(ErrorCode::kBadInput, "{}: {} is '{}', which is not in the vocabulary", where, key, Show(name));
  }
  return id;
}

// Puts `id` at the template's start or end, or takes it away, when the config says so.
void SetTemplateEdge(std::optional<bool> wanted, bool front, int32_t id, std::vector<TemplatePiece>* pieces) {
  if (!wanted.has_value()) return;
  const TemplatePiece piece{.is_text = false, .ids = {id}};
  const TemplatePiece& edge = front ? pieces->front() : pieces->back();
  const bool there = !edge.is_text && edge.ids == piece.ids;
  if (*wanted == there) return;
  if (*wanted) {
    pieces->insert(front ? pieces->begin() : pieces->end(), piece);
  } else {
    pieces->erase(front ? pieces->begin() : pieces->end() - 1);
  }
}

std::optional<bool> Flag(const json& config, std::string_view key, const std::string& where) {
  if (FindField(config, key, where) == nullptr) return std::nullopt;
  return GetBool(config, key, std::nullopt, where);
}

// What Hugging Face's Llama tokenizers do otherwise than SentencePiece itself.
void SetSentencePieceOptions(const json& config, const std::string& where, Vocabulary* v) {
  for (NormalizerStep& step : v->normalizer) {
    auto* sentencepiece = std::get_if<NormalizeSentencePiece>(&step);
    if (sentencepiece == nullptr) continue;
    if (Flag(config, "legacy", where) == false) sentencepiece->prefix_first_only = true;
    if (const auto prefix = Flag(config, "add_prefix_space", where)) sentencepiece->add_prefix = *prefix;
  }
}

void CheckIsObject(const json& config, const std::string& where) {
  if (!config.is_object()) throw Error(ErrorCode::kBadInput, "{}: expected a JSON object", where);
}

}  // namespace

int32_t FindToken(const Vocabulary& v, std::string_view text) {
  for (const AddedToken& token : v.added) {
    if (token.text == text) return token.id;
  }
  std::string bytes(text);
  const bool opaque = v.spelling == TokenSpelling::kBytes && !UnspellBytes(text, &bytes);
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    if (v.kinds[id] == (opaque ? TokenKind::kOpaque : TokenKind::kModel) && v.tokens[id] == bytes) {
      return static_cast<int32_t>(id);
    }
  }
  return -1;
}

void MakeRoomForIds(int32_t max_id, size_t known, std::string_view field, const std::string& where, Vocabulary* v) {
  const size_t ids = static_cast<size_t>(max_id) + 1;
  if (ids <= v->tokens.size()) return;
  const size_t most = known + known / 4 + kFreeHoles;
  if (ids > most) {
    throw Error(ErrorCode::kBadInput, "{}: {} has id {}, but there are only {} tokens; supported are ids up to {}",
                where, field, max_id, known, most - 1);
  }
  v->tokens.resize(ids);
  v->kinds.resize(ids, TokenKind::kAbsent);
}

AddedToken ReadAddedToken(const json& entry, int32_t id, const std::string& where) {
  AddedToken token;
  token.id = id;
  token.text = GetString(entry, "content", std::nullopt, where);
  token.special = GetBool(entry, "special", std::nullopt, where);
  token.normalized = GetBool(entry, "normalized", std::nullopt, where);
  token.lstrip = GetBool(entry, "lstrip", std::nullopt, where);
  token.rstrip = GetBool(entry, "rstrip", std::nullopt, where);
  token.single_word = GetBool(entry, "single_word", std::nullopt, where);
  return token;
}

bool AddTokensOfConfig(const json& config, const std::string& where, Vocabulary* v) {
  CheckIsObject(config, where);
  const json* list = FindObject(config, "added_tokens_decoder", where);
  if (list == nullptr) return false;
  if (list->size() > kMaxAdded) throw Error(ErrorCode::kBadInput, "{}: too many added_tokens_decoder", where);
  std::vector<bool> known(v->tokens.size());
  for (const AddedToken& token : v->added) known[static_cast<size_t>(token.id)] = true;
  std::vector<AddedToken> fresh;
  for (const auto& [key, entry] : list->items()) {
    int32_t id = -1;
    const auto [next, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || next != key.data() + key.size() || id < 0 || id > kMaxTokenId) {
      throw Error(ErrorCode::kBadInput, "{}: added_tokens_decoder has id '{}'", where, Show(key));
    }
    if (static_cast<size_t>(id) < known.size() && known[static_cast<size_t>(id)]) continue;
    AddedToken token = ReadAddedToken(entry, id, fmt::format("{}: added_tokens_decoder {}", where, id));
    if (token.text.empty()) continue;
    // The vocabulary may know it by another id; then that one stays.
    if (std::ranges::any_of(v->added, [&](const AddedToken& other) { return other.text == token.text; })) continue;
    fresh.push_back(std::move(token));
  }
  std::sort(fresh.begin(), fresh.end(), [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  if (fresh.empty()) return true;
  std::vector<bool> used(v->kinds.size());
  for (size_t id = 0; id < used.size(); ++id) used[id] = known[id] || v->kinds[id] != TokenKind::kAbsent;
  const size_t tokens = static_cast<size_t>(std::ranges::count(used, true)) + fresh.size();
  MakeRoomForIds(fresh.back().id, tokens, "added_tokens_decoder", where, v);
  std::ranges::move(fresh, std::back_inserter(v->added));
  return true;
}

void ApplyTokenizerConfig(const json& config, const std::string& where, Vocabulary* v) {
  CheckIsObject(config, where);
  AddTokensOfConfig(config, where, v);
  if (v->model == ModelKind::kUnigram) v->scores.resize(v->tokens.size(), -std::numeric_limits<double>::infinity());
  if (const int32_t bos = NamedId(config, "bos_token", true, where, *v); bos >= 0) v->bos = bos;
  // Often a name that training scripts add to the model later.
  if (const int32_t pad = NamedId(config, "pad_token", false, where, *v); pad >= 0) v->pad = pad;
  const int32_t eos = NamedId(config, "eos_token", true, where, *v);
  if (eos >= 0) {
    std::erase(v->eos, eos);
    v->eos.insert(v->eos.begin(), eos);
  }
  if (v->bos >= 0) SetTemplateEdge(Flag(config, "add_bos_token", where), true, v->bos, &v->post_processor);
  if (!v->eos.empty()) SetTemplateEdge(Flag(config, "add_eos_token", where), false, v->eos[0], &v->post_processor);
  SetSentencePieceOptions(config, where, v);
}

void ApplySpecialTokensMap(const json& map, const std::string& where, Vocabulary* v) {
  CheckIsObject(map, where);
  if (v->bos < 0) v->bos = NamedId(map, "bos_token", false, where, *v);
  if (v->pad < 0) v->pad = NamedId(map, "pad_token", false, where, *v);
  if (!v->eos.empty()) return;
  if (const int32_t eos = NamedId(map, "eos_token", false, where, *v); eos >= 0) v->eos.push_back(eos);
}

void AddEosIds(const json& config, const std::string& where, Vocabulary* v) {
  const json* value = FindField(config, "eos_token_id", where);
  if (value == nullptr) return;
  const auto add = [&](const json& id) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() > static_cast<uint64_t>(kMaxTokenId)) {
      throw Error(ErrorCode::kBadInput, "{}: eos_token_id: {}, expected an id or a list of ids", where,
                  DescribeJson(id));
    }
    const int32_t eos = id.get<int32_t>();
    if (std::ranges::find(v->eos, eos) == v->eos.end()) v->eos.push_back(eos);
  };
  if (!value->is_array()) return add(*value);
  if (value->size() > 1024) throw Error(ErrorCode::kBadInput, "{}: eos_token_id has too many ids", where);
  for (const json& id : *value) add(id);
}

}  // namespace spate
