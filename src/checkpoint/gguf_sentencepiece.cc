#include <algorithm>
#include <string>

#include "checkpoint/gguf_vocabularies.h"
#include "checkpoint/sentencepiece_model.h"

namespace spate {
namespace {

constexpr std::string_view kMetaspace = "\u2581";

// "<0x41>", as byte pieces are spelled.
bool IsByteText(std::string_view text) { return text.size() == 6 && text.starts_with("<0x") && text.ends_with('>'); }

PieceType TypeOf(GgufTokenType type, std::string_view text, bool is_unk) {
  if (is_unk) return PieceType::kUnknown;
  switch (type) {
    case GgufTokenType::kNormal:
      return IsByteText(text) ? PieceType::kByte : PieceType::kNormal;  // old files have no types
    case GgufTokenType::kUnknown:                                       // what pads the list in some files
      return PieceType::kUnused;
    case GgufTokenType::kUserDefined:
      // Tokens added to the model are matched in the text as it is, as control tokens are; only those that
      // SentencePiece has defined itself, runs of spaces, wait for the normalizer.
      return text.find(kMetaspace) == std::string_view::npos ? PieceType::kControl : PieceType::kUserDefined;
    default:
      return static_cast<PieceType>(type);
  }
}

// Phi-3's tokens take the spaces behind them along, but these do not; the file cannot say so.
bool StripsRight(std::string_view text) { return text != "<unk>" && text != "<s>" && text != "<|endoftext|>"; }

}  // namespace

Vocabulary MakeGgufSentencePiece(const GgufMetadata& metadata, const GgufTokens& tokens,
                                 SentencePieceProto::ModelType type, int32_t unk) {
  constexpr std::string_view kScores = "tokenizer.ggml.scores";
  const size_t count = tokens.texts.size();
  const std::optional<std::vector<float>> scores = metadata.FindFloats(kScores, 2 * count + 1);
  if (!scores || scores->size() < count) {
    metadata.Fail(kScores, fmt::format("{} scores for {} tokens", scores ? scores->size() : 0, count));
  }
  SentencePieceProto proto;
  proto.model_type = type;
  proto.padded = true;
  for (size_t id = 0; id < count; ++id) {
    const PieceType piece = TypeOf(tokens.types[id], tokens.texts[id], static_cast<int32_t>(id) == unk);
    proto.pieces.push_back({tokens.texts[id], (*scores)[id], piece});
    proto.byte_fallback |= piece == PieceType::kByte;
  }
  const bool bpe = type == SentencePieceProto::ModelType::kBpe;
  proto.normalizer.add_dummy_prefix = metadata.GetBool("tokenizer.ggml.add_space_prefix", bpe);
  proto.normalizer.remove_extra_whitespaces = metadata.GetBool("tokenizer.ggml.remove_extra_whitespaces", false);
  proto.normalizer.charsmap = metadata.FindBytes("tokenizer.ggml.precompiled_charsmap").value_or("");
  Vocabulary v = MakeSentencePieceVocabulary(proto, metadata.what());
  const bool phi3 = metadata.GetString("general.architecture", "") == "phi3";
  for (AddedToken& token : v.added) {
    if (tokens.types[static_cast<size_t>(token.id)] == GgufTokenType::kUserDefined) token.special = false;
    token.rstrip = phi3 && StripsRight(token.text);
  }
  return v;
}

}  // namespace spate
