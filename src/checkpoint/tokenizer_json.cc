#include "checkpoint/tokenizer_json.h"

#include <algorithm>
#include <filesystem>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "base/mmap_file.h"
#include "base/utf8.h"
#include "checkpoint/tokenizer_json_parts.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/token_table.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr size_t kMaxConfigBytes = size_t{16} << 20;
constexpr int64_t kMaxId = (1 << 22) - 1;
constexpr size_t kMaxShown = 40;

std::string Show(std::string_view text) { return OneLine(text, kMaxShown); }

std::vector<AddedToken> ReadAddedTokens(const json& root, std::string_view what) {
  std::vector<AddedToken> added;
  const json* list = FindArray(root, "added_tokens", what);
  if (list == nullptr) return added;
  for (const json& entry : *list) {
    const std::string where = fmt::format("{}: added_tokens[{}]", what, added.size());
    AddedToken token;
    token.id = static_cast<int32_t>(GetInt(entry, "id", std::nullopt, 0, kMaxId, where));
    token.text = GetString(entry, "content", std::nullopt, where);
    token.special = GetBool(entry, "special", std::nullopt, where);
    token.normalized = GetBool(entry, "normalized", std::nullopt, where);
    token.lstrip = GetBool(entry, "lstrip", std::nullopt, where);
    token.rstrip = GetBool(entry, "rstrip", std::nullopt, where);
    token.single_word = GetBool(entry, "single_word", std::nullopt, where);
    if (!token.text.empty()) added.push_back(std::move(token));
  }
  return added;
}

// tokens and kinds, as the file spells them.
void PlaceTokens(std::vector<std::pair<std::string, int32_t>>&& vocab, std::string_view what, Vocabulary* v) {
  int32_t max_id = -1;
  for (const auto& [text, id] : vocab) max_id = std::max(max_id, id);
  for (const AddedToken& token : v->added) max_id = std::max(max_id, token.id);
  const size_t ids = static_cast<size_t>(max_id) + 1;
  // Some vocabularies leave ids out; one that is mostly holes is a broken file that only wants memory.
  const size_t known = vocab.size() + v->added.size();
  if (ids > 2 * known + 65536) {
    throw Error(ErrorCode::kBadInput, "{}: ids up to {} for {} tokens", what, max_id, known);
  }
  v->tokens.resize(ids);
  v->kinds.resize(ids, TokenKind::kAbsent);
  for (auto& [text, id] : vocab) {
    const size_t at = static_cast<size_t>(id);
    if (v->kinds[at] != TokenKind::kAbsent) {
      throw Error(ErrorCode::kBadInput, "{}: model.vocab: '{}' and '{}' both have id {}", what, Show(v->tokens[at]),
                  Show(text), id);
    }
    v->tokens[at] = std::move(text);
    v->kinds[at] = TokenKind::kModel;
  }
}

void PlaceMerges(const TokenizerJsonParts& parts, const TokenTable& table, std::string_view what, Vocabulary* v) {
  v->merges.reserve(parts.merges.size());
  const std::string_view all = parts.merge_text;
  for (const MergeText& m : parts.merges) {
    const std::string_view left = all.substr(m.begin, m.middle - m.begin);
    const std::string_view right = all.substr(m.middle, m.end - m.middle);
    const std::string_view joined = all.substr(m.begin, m.end - m.begin);
    const Merge merge{.left = table.Find(left), .right = table.Find(right), .result = table.Find(joined)};
    if (merge.left < 0 || merge.right < 0 || merge.result < 0) {
      throw Error(ErrorCode::kBadInput, "{}: model.merges[{}]: '{}' is not in the vocabulary", what, v->merges.size(),
                  Show(merge.left < 0    ? left
                       : merge.right < 0 ? right
                                         : joined));
    }
    v->merges.push_back(merge);
  }
}

// From the byte alphabet to bytes. Tokens outside of it cannot come from text, nor can merges of them happen.
void UnspellTokens(Vocabulary* v) {
  bool any_opaque = false;
  for (size_t id = 0; id < v->tokens.size(); ++id) {
    if (v->kinds[id] != TokenKind::kModel || UnspellBytes(v->tokens[id], &v->tokens[id])) continue;
    v->kinds[id] = TokenKind::kOpaque;
    any_opaque = true;
  }
  if (!any_opaque) return;
  std::erase_if(v->merges,
                [&](const Merge& merge) { return v->kinds[static_cast<size_t>(merge.result)] == TokenKind::kOpaque; });
}

int32_t FindToken(const Vocabulary& v, const TokenTable& table, std::string_view text) {
  for (const AddedToken& token : v.added) {
    if (token.text == text) return token.id;
  }
  return table.Find(text);
}

void ReadModel(const json& root, const TokenizerJsonParts& parts, std::string_view what) {
  const json* model = FindObject(root, "model", what);
  if (model == nullptr) throw Error(ErrorCode::kBadInput, "{}: no model", what);
  const std::string where = fmt::format("{}: model", what);
  const std::string type = GetString(*model, "type", parts.has_merges ? "BPE" : "without a type", where);
  if (type != "BPE") throw Error(ErrorCode::kBadInput, "{} is {}, supported: BPE", where, Show(type));
  if (!parts.has_vocab || !parts.has_merges) {
    throw Error(ErrorCode::kBadInput, "{} has no {}", where, parts.has_vocab ? "merges" : "vocab");
  }
  if (GetFloat(*model, "dropout", 0.0, 0.0, 1.0, where) != 0) {
    throw Error(ErrorCode::kBadInput, "{}: dropout gives another result each time; set it to null", where);
  }
  for (const std::string_view affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!GetString(*model, affix, "", where).empty()) {
      throw Error(ErrorCode::kBadInput, "{}: {} is not supported", where, affix);
    }
  }
}

// tokenizer_config.json gives a token as its text or as an object with its flags.
std::string NamedToken(const json& config, std::string_view key, const std::string& where) {
  const json* value = FindField(config, key, where);
  if (value != nullptr && value->is_object()) return GetString(*value, "content", std::nullopt, where);
  return GetString(config, key, "", where);
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

void ReadTokenizerConfig(std::string_view text, const TokenTable& table, const std::string& where, Vocabulary* v) {
  const json config = ParseJson(text, {}, where);
  if (!config.is_object()) throw Error(ErrorCode::kBadInput, "{}: expected a JSON object", where);
  const auto id_of = [&](std::string_view key, bool required) {
    const std::string name = NamedToken(config, key, where);
    if (name.empty()) return -1;
    const int32_t id = FindToken(*v, table, name);
    if (id < 0 && required) {
      throw Error(ErrorCode::kBadInput, "{}: {} is '{}', which is not in the vocabulary", where, key, Show(name));
    }
    return id;
  };
  v->bos = id_of("bos_token", true);
  v->pad = id_of("pad_token", false);  // often a name that training scripts add to the model later
  const int32_t eos = id_of("eos_token", true);
  if (eos >= 0) v->eos.push_back(eos);

  const auto flag = [&](std::string_view key) -> std::optional<bool> {
    if (FindField(config, key, where) == nullptr) return std::nullopt;
    return GetBool(config, key, std::nullopt, where);
  };
  if (v->bos >= 0) SetTemplateEdge(flag("add_bos_token"), true, v->bos, &v->post_processor);
  if (eos >= 0) SetTemplateEdge(flag("add_eos_token"), false, eos, &v->post_processor);
}

// eos_token_id is one id or a list of them.
void AddEosIds(const json& config, const std::string& where, Vocabulary* v) {
  const json* value = FindField(config, "eos_token_id", where);
  if (value == nullptr) return;
  const auto add = [&](const json& id) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() > static_cast<uint64_t>(kMaxId)) {
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

std::string ReadIfThere(const std::filesystem::path& path, size_t max_bytes) {
  std::error_code error;
  return std::filesystem::exists(path, error) ? ReadTextFile(path.string(), max_bytes) : std::string();
}

}  // namespace

Vocabulary ParseTokenizerJson(std::string_view text, std::string_view config_json, std::string_view what) {
  TokenizerJsonParts parts = TakeTokenizerJsonApart(text, what);
  const json& root = parts.rest;
  ReadModel(root, parts, what);
  Vocabulary v;
  v.normalizer = ReadNormalizer(root, what);
  v.pre_tokenizer = ReadPreTokenizer(root, what);
  v.post_processor = ReadPostProcessor(root, what);
  v.decoder = ReadDecoder(root, what);
  v.join_with_spaces = v.decoder.empty();
  v.added = ReadAddedTokens(root, what);
  PlaceTokens(std::move(parts.vocab), what, &v);
  {
    const TokenTable table(v.tokens, v.kinds);
    if (const auto twice = table.duplicate(); twice.second >= 0) {
      throw Error(ErrorCode::kBadInput, "{}: model.vocab: '{}' occurs twice", what,
                  Show(v.tokens[static_cast<size_t>(twice.first)]));
    }
    PlaceMerges(parts, table, what, &v);
    const json& model = *FindObject(root, "model", what);
    const std::string where = fmt::format("{}: model", what);
    v.fuse_unk = GetBool(model, "fuse_unk", false, where);
    v.byte_fallback = GetBool(model, "byte_fallback", false, where);
    v.ignore_merges = GetBool(model, "ignore_merges", false, where);
    if (const std::string unk = GetString(model, "unk_token", "", where); !unk.empty()) {
      v.unk = FindToken(v, table, unk);
      if (v.unk < 0) {
        throw Error(ErrorCode::kBadInput, "{}: unk_token '{}' is not in the vocabulary", where, Show(unk));
      }
    }
    if (!config_json.empty()) ReadTokenizerConfig(config_json, table, fmt::format("{} (config)", what), &v);
  }
  v.spelling = TokenSpelling::kText;
  for (const PreTokenizerStep& step : v.pre_tokenizer) {
    if (std::holds_alternative<SplitByteLevel>(step)) v.spelling = TokenSpelling::kBytes;
  }
  if (v.spelling == TokenSpelling::kBytes) UnspellTokens(&v);
  return v;
}

Vocabulary ReadTokenizer(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "tokenizer.json";
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    throw Error(ErrorCode::kBadInput, "{}: no tokenizer.json; other tokenizer files are not supported",
                folder.string());
  }
  const MmapFile file = MmapFile::Open(path.string());
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  Vocabulary v =
      ParseTokenizerJson(text, ReadIfThere(folder / "tokenizer_config.json", kMaxConfigBytes), path.string());
  for (const std::string_view name : {"generation_config.json", "config.json"}) {
    const std::filesystem::path config_path = folder / name;
    if (!std::filesystem::exists(config_path, error)) continue;
    // What the model's author says about generation wins; config.json is for folders that say nothing else.
    if (name == "config.json" && !v.eos.empty()) continue;
    const json config = ReadJsonFile(config_path.string(), {.max_bytes = kMaxConfigBytes});
    AddEosIds(config, config_path.string(), &v);
  }
  return v;
}

}  // namespace spate
