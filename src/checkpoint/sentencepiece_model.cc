#include "checkpoint/sentencepiece_model.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <span>

#include "base/error.h"
#include "base/utf8.h"
#include "checkpoint/merge_derivation.h"
#include "checkpoint/sentencepiece_proto.h"
#include "tokenizer/token_table.h"
#include "tokenizer/unicode.h"

namespace spate {
namespace {

using Piece = SentencePieceProto::Piece;
using ModelType = SentencePieceProto::ModelType;

constexpr size_t kMaxShown = 40;
constexpr size_t kMaxPieceBytes = size_t{1} << 16;
constexpr float kUnkPenalty = 10;  // below the least likely piece

template <typename... Args>
[[noreturn]] void Fail(std::string_view what, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorCode::kBadInput, "{}: {}", what, fmt::format(format, std::forward<Args>(args)...));
}

void CheckPieces(const SentencePieceProto& proto, std::string_view what) {
  if (proto.pieces.empty()) Fail(what, "no pieces; is it a SentencePiece model?");
  int unknown = 0;
  for (size_t id = 0; id < proto.pieces.size(); ++id) {
    const Piece& piece = proto.pieces[id];
    if (proto.padded && piece.type == PieceType::kUnused) continue;
    if (piece.text.empty()) Fail(what, "piece {} is empty", id);
    if (piece.text.size() > kMaxPieceBytes) Fail(what, "piece {} has {} bytes", id, piece.text.size());
    if (!IsValidUtf8(piece.text)) Fail(what, "piece {} is not valid UTF-8", id);
    if (!std::isfinite(piece.score) || std::abs(piece.score) > 1e30f)
      Fail(what, "piece {} has score {}", id, piece.score);
    unknown += piece.type == PieceType::kUnknown;
    if (piece.type == PieceType::kByte && !proto.byte_fallback) {
      Fail(what, "piece {} '{}' is a byte, but byte_fallback is off", id, OneLine(piece.text, kMaxShown));
    }
  }
  if (unknown != 1 && !(proto.padded && unknown == 0)) Fail(what, "{} unknown pieces, expected 1", unknown);
}

// The pieces by their texts; those that only fill the list up are none.
TokenTable TableOf(const SentencePieceProto& proto, const std::vector<std::string>& tokens) {
  std::vector<TokenKind> kinds(tokens.size(), TokenKind::kModel);
  for (size_t id = 0; proto.padded && id < kinds.size(); ++id) {
    if (proto.pieces[id].type == PieceType::kUnused) kinds[id] = TokenKind::kAbsent;
  }
  return TokenTable(tokens, kinds);
}

void CheckTexts(const SentencePieceProto& proto, const TokenTable& table, std::string_view what) {
  if (const int32_t twice = table.duplicate().second; twice >= 0) {
    const std::string_view text = proto.pieces[static_cast<size_t>(twice)].text;
    Fail(what, "piece {} '{}' occurs twice", twice, OneLine(text, kMaxShown));
  }
  for (int byte = 0; proto.byte_fallback && byte < 256; ++byte) {
    if (table.Find(fmt::format("<0x{:02X}>", byte)) < 0) Fail(what, "byte_fallback, but no piece <0x{:02X}>", byte);
  }
}

// Merges join pieces, not characters: one that is in a piece but is none itself could not be joined. What two shorter
// pieces make has their characters, so those that nothing makes are all that must be looked at.
void CheckCharacters(const SentencePieceProto& proto, const TokenTable& table, std::span<const Merge> merges,
                     std::string_view what) {
  std::vector<bool> made(proto.pieces.size());
  for (const Merge& merge : merges) made[static_cast<size_t>(merge.result)] = true;
  for (size_t id = 0; id < made.size(); ++id) {
    if (made[id] || proto.pieces[id].type != PieceType::kNormal) continue;
    const std::string_view text = proto.pieces[id].text;
    for (size_t at = 0; at < text.size();) {
      const std::string_view character = text.substr(at, ReadCodePoint(text, at).bytes);
      const int32_t piece = table.Find(character);
      if (piece < 0 || proto.pieces[static_cast<size_t>(piece)].type != PieceType::kNormal) {
        Fail(what, "'{}' has the character '{}', which is no piece: not supported", OneLine(text, kMaxShown),
             OneLine(character, kMaxShown));
      }
      at += character.size();
    }
  }
}

void SetMerges(const SentencePieceProto& proto, const TokenTable& table, std::string_view what, Vocabulary* v) {
  std::vector<size_t> normal;
  for (size_t id = 0; id < proto.pieces.size(); ++id) {
    if (proto.pieces[id].type == PieceType::kNormal) normal.push_back(id);
    if (proto.pieces[id].type == PieceType::kUnused && !proto.padded) {
      Fail(what, "piece {} '{}' is unused: not supported in a BPE model", id,
           OneLine(proto.pieces[id].text, kMaxShown));
    }
  }
  std::sort(normal.begin(), normal.end(),
            [&](size_t a, size_t b) { return proto.pieces[a].score > proto.pieces[b].score; });
  std::vector<int32_t> ranks(proto.pieces.size(), -1);
  int32_t rank = 0;
  for (size_t i = 0; i < normal.size(); ++i) {
    if (i > 0 && proto.pieces[normal[i]].score < proto.pieces[normal[i - 1]].score) ++rank;
    ranks[normal[i]] = rank;
  }
  v->merges = DeriveMerges(v->tokens, ranks, table);
  v->merges_by_text = true;
  CheckCharacters(proto, table, v->merges, what);
}

void SetScores(const SentencePieceProto& proto, Vocabulary* v) {
  float lowest = FLT_MAX;
  for (const Piece& piece : proto.pieces) {
    if (piece.type != PieceType::kNormal) continue;
    lowest = std::min(lowest, piece.score);
  }
  if (lowest == FLT_MAX) lowest = 0;
  v->model = ModelKind::kUnigram;
  v->single_precision = true;
  v->unk_score = static_cast<double>(lowest - kUnkPenalty);
  for (const Piece& piece : proto.pieces) {
    if (piece.type == PieceType::kNormal) {
      v->scores.push_back(static_cast<double>(piece.score));
    } else if (piece.type == PieceType::kUserDefined) {  // a bonus, so that it wins; SentencePiece 0.2.3's
      v->scores.push_back(static_cast<double>(static_cast<float>(piece.text.size()) * 0.1f - 0.1f));
    } else {
      v->scores.push_back(-std::numeric_limits<double>::infinity());
    }
  }
}

void SetNormalizer(const SentencePieceProto& proto, Vocabulary* v) {
  NormalizeSentencePiece step;
  step.charsmap = proto.normalizer.charsmap;
  step.add_prefix = proto.normalizer.add_dummy_prefix;
  step.collapse_spaces = proto.normalizer.remove_extra_whitespaces;
  step.escape_spaces = proto.normalizer.escape_whitespaces;
  step.space_as_suffix = proto.treat_whitespace_as_suffix;
  for (const Piece& piece : proto.pieces) {
    if (piece.type == PieceType::kUserDefined) step.kept.emplace_back(piece.text);
  }
  v->normalizer = {std::move(step)};
}

void SetUnused(const SentencePieceProto& proto, Vocabulary* v) {
  for (size_t id = 0; id < proto.pieces.size(); ++id) {
    if (proto.pieces[id].type != PieceType::kUnused) continue;
    v->kinds[id] = proto.pieces[id].text.empty() ? TokenKind::kAbsent : TokenKind::kOpaque;
  }
}

int32_t FindControl(const SentencePieceProto& proto, std::string_view text) {
  const auto it = std::ranges::find_if(
      proto.pieces, [&](const Piece& piece) { return piece.type == PieceType::kControl && piece.text == text; });
  return it == proto.pieces.end() ? -1 : static_cast<int32_t>(it - proto.pieces.begin());
}

}  // namespace

Vocabulary ParseSentencePieceModel(std::string_view bytes, std::string_view what) {
  return MakeSentencePieceVocabulary(ReadSentencePieceProto(bytes, what), what);
}

Vocabulary MakeSentencePieceVocabulary(const SentencePieceProto& proto, std::string_view what) {
  CheckPieces(proto, what);
  if (proto.model_type != ModelType::kUnigram && proto.model_type != ModelType::kBpe) {
    Fail(what, "SentencePiece model of type {} ({}), supported: BPE, unigram", static_cast<int64_t>(proto.model_type),
         proto.model_type == ModelType::kWord   ? "WORD"
         : proto.model_type == ModelType::kChar ? "CHAR"
                                                : "unknown");
  }
  if (!proto.denormalizer.charsmap.empty()) Fail(what, "a denormalizer is not supported");

  Vocabulary v;
  v.byte_fallback = proto.byte_fallback;
  v.fuse_unk = true;
  for (size_t id = 0; id < proto.pieces.size(); ++id) {
    const Piece& piece = proto.pieces[id];
    v.tokens.emplace_back(piece.text);
    if (piece.type == PieceType::kUserDefined && proto.model_type == ModelType::kBpe) {
      v.fixed.push_back(static_cast<int32_t>(id));
    }
    if (piece.type != PieceType::kControl && piece.type != PieceType::kUnknown) continue;
    AddedToken& token = v.added.emplace_back();
    token.id = static_cast<int32_t>(id);
    token.text = piece.text;
    token.special = true;
    if (piece.type == PieceType::kUnknown) {
      v.unk = token.id;
      token.surface = proto.unk_surface;
    }
  }
  const TokenTable table = TableOf(proto, v.tokens);
  CheckTexts(proto, table, what);
  v.kinds.assign(v.tokens.size(), TokenKind::kModel);
  if (proto.padded) SetUnused(proto, &v);
  if (proto.model_type == ModelType::kBpe) {
    SetMerges(proto, table, what, &v);
  } else {
    SetScores(proto, &v);
  }
  SetNormalizer(proto, &v);
  v.decoder = {
      DecodeSentencePiece{.bytes = proto.byte_fallback,
                          .strip_first = proto.normalizer.add_dummy_prefix || proto.normalizer.remove_extra_whitespaces,
                          .strip_empty = proto.normalizer.remove_extra_whitespaces}};
  v.bos = FindControl(proto, proto.bos_piece);
  if (const int32_t eos = FindControl(proto, proto.eos_piece); eos >= 0) v.eos.push_back(eos);
  v.pad = FindControl(proto, proto.pad_piece);
  if (v.bos >= 0) v.post_processor.insert(v.post_processor.begin(), TemplatePiece{.is_text = false, .ids = {v.bos}});
  return v;
}

}  // namespace spate
