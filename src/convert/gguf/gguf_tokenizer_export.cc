#include "convert/gguf/gguf_tokenizer_export.h"

#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "base/utf8.h"

namespace spate {
namespace {

constexpr uint32_t kNone = 0xFFFFFFFF;  // instead of what readers would take for granted

// Added tokens go over those of the model: that is how they are found in text.
void SetAdded(const Vocabulary& v, GgufTokenList* list) {
  for (const AddedToken& token : v.added) {
    const GgufTokenType type = token.id == v.unk && v.spelling == TokenSpelling::kText ? GgufTokenType::kUnknown
                               : token.special                                         ? GgufTokenType::kControl
                                                                                       : GgufTokenType::kUserDefined;
    list->Set(token.id, token.text, type);
  }
}

// Holes, and rows of the embedding that the tokenizer does not know.
void FillUnused(GgufTokenList* list) {
  for (size_t id = 0; id < list->texts.size(); ++id) {
    if (!list->texts[id].empty()) continue;
    list->Set(static_cast<int32_t>(id), fmt::format("[PAD{}]", id), GgufTokenType::kUnused);
  }
}

void CheckDistinct(const GgufTokenList& list, const std::string& what) {
  std::unordered_map<std::string_view, size_t> ids;
  for (size_t id = 0; id < list.texts.size(); ++id) {
    const auto [other, fresh] = ids.emplace(list.texts[id], id);
    if (!fresh) {
      throw Error(ErrorCode::kBadInput, "{}: tokens {} and {} are both '{}', which GGUF cannot express", what,
                  other->second, id, OneLine(list.texts[id], 40));
    }
  }
}

// The ids that are put around a text, named or not.
struct NamedIds {
  int32_t bos = -1;
  int32_t eos = -1;
};

// What is put around a text: BOS, EOS, or both. A token that stands there is one of them even if nobody calls it so.
NamedIds AddAround(const Vocabulary& v, const std::string& what, GgufHeader* header) {
  NamedIds ids{v.bos, v.eos.empty() ? -1 : v.eos[0]};
  const auto is = [](const TemplatePiece& piece, int32_t* id) {
    if (piece.is_text || piece.ids.size() != 1 || (*id >= 0 && *id != piece.ids[0])) return false;
    *id = piece.ids[0];
    return true;
  };
  std::vector<TemplatePiece> pieces = v.post_processor;
  std::erase_if(pieces, [](const TemplatePiece& piece) { return !piece.is_text && piece.ids.empty(); });
  const bool bos = pieces.size() > 1 && is(pieces.front(), &ids.bos);
  if (bos) pieces.erase(pieces.begin());
  const bool eos = pieces.size() > 1 && is(pieces.back(), &ids.eos);
  if (eos) pieces.pop_back();
  if (pieces.size() != 1 || !pieces.front().is_text) {
    throw Error(ErrorCode::kBadInput,
                "{}: puts other tokens around a text than one BOS and one EOS, for which GGUF has "
                "no words",
                what);
  }
  header->Bool("tokenizer.ggml.add_bos_token", bos);
  header->Bool("tokenizer.ggml.add_eos_token", eos);
  return ids;
}

// Further tokens that end a generation. Those that are called so are found by their texts.
void AddFurtherEnds(const Vocabulary& v, const GgufTokenList& list, int32_t eos, GgufHeader* header,
                    std::vector<std::string>* notes) {
  std::vector<int32_t> ends;
  for (const int32_t id : v.eos) {
    const int32_t type = list.types[static_cast<size_t>(id)];
    const bool found =
        type == static_cast<int32_t>(GgufTokenType::kControl) && EndsGeneration(list.texts[static_cast<size_t>(id)]);
    if (id != eos && !found) ends.push_back(id);
  }
  constexpr std::string_view kKeys[] = {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"};
  for (size_t i = 0; i < std::min(ends.size(), std::size(kKeys)); ++i) {
    header->U32(kKeys[i], static_cast<uint32_t>(ends[i]));
  }
  if (ends.size() > std::size(kKeys)) {
    notes->push_back(
        fmt::format("{} of the tokens that end a generation have no place in GGUF", ends.size() - std::size(kKeys)));
  }
}

void AddNamedIds(const Vocabulary& v, const NamedIds& ids, GgufHeader* header) {
  // SentencePiece's kind has these three unless the file says otherwise.
  const bool usual = v.spelling == TokenSpelling::kText;
  const auto add = [&](std::string_view name, int32_t id, bool always) {
    if (id < 0 && !always) return;
    header->U32(fmt::format("tokenizer.ggml.{}_token_id", name), id < 0 ? kNone : static_cast<uint32_t>(id));
  };
  add("bos", ids.bos, usual);
  add("eos", ids.eos, usual);
  if (usual) add("unknown", v.unk, true);
  add("padding", v.pad, false);
}

}  // namespace

void AddTokenizer(const Vocabulary& v, int rows, const std::string& what, GgufHeader* header,
                  std::vector<std::string>* notes) {
  if (v.tokens.size() > static_cast<size_t>(rows)) {
    throw Error(ErrorCode::kBadInput, "{}: {} tokens, but the embedding has {} rows", what, v.tokens.size(), rows);
  }
  if (v.model != ModelKind::kBpe) {
    throw Error(ErrorCode::kBadInput,
                "{}: a {} tokenizer; BPE is what can be converted (--no-tokenizer leaves it "
                "out)",
                what, v.model == ModelKind::kUnigram ? "unigram" : "WordPiece");
  }
  GgufTokenList list;
  list.texts.resize(static_cast<size_t>(rows));
  list.types.resize(static_cast<size_t>(rows), static_cast<int32_t>(GgufTokenType::kUnused));
  if (v.spelling == TokenSpelling::kBytes) {
    AddByteLevelTokenizer(v, what, &list, header, notes);
  } else {
    AddSentencePieceTokenizer(v, what, &list, header, notes);
  }
  SetAdded(v, &list);
  FillUnused(&list);
  CheckDistinct(list, what);
  header->Strings("tokenizer.ggml.tokens", list.texts);
  header->Ints("tokenizer.ggml.token_type", list.types);
  const NamedIds ids = AddAround(v, what, header);
  AddNamedIds(v, ids, header);
  AddFurtherEnds(v, list, ids.eos, header, notes);
  const auto odd = [](const AddedToken& token) { return token.lstrip || token.rstrip || token.single_word; };
  const auto odd_tokens = std::ranges::count_if(v.added, odd);
  if (odd_tokens > 0) {
    notes->push_back(
        fmt::format("{} added tokens take spaces around them along or match whole words; GGUF cannot say "
                    "so",
                    odd_tokens));
  }
}

}  // namespace spate
