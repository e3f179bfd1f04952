#include <string>

#include "base/utf8.h"
#include "checkpoint/bert_pre_tokenizer.h"
#include "checkpoint/gguf_vocabularies.h"

namespace spate {
namespace {

constexpr std::string_view kMetaspace = "\u2581";
constexpr std::string_view kContinues = "##";

// A word's first token begins with U+2581 there, and the others with nothing: back to how the model knows them. What
// stands in brackets was not touched.
std::string ModelText(std::string_view text) {
  if (text.starts_with(kMetaspace)) return std::string(text.substr(kMetaspace.size()));
  if (text.starts_with('[') && text.ends_with(']')) return std::string(text);
  return std::string(kContinues).append(text);
}

}  // namespace

Vocabulary MakeGgufWordPiece(const GgufMetadata& metadata, const GgufTokens& tokens, int32_t unk) {
  Vocabulary v;
  v.model = ModelKind::kWordPiece;
  v.subword_prefix = kContinues;
  v.unk = unk;
  for (size_t id = 0; id < tokens.texts.size(); ++id) {
    const std::string_view text = tokens.texts[id];
    if (!IsValidUtf8(text)) metadata.Fail("tokenizer.ggml.tokens", fmt::format("token {} is not valid UTF-8", id));
    const GgufTokenType type = tokens.types[id];
    const bool of_model = type == GgufTokenType::kNormal || type == GgufTokenType::kByte;
    v.tokens.push_back(of_model ? ModelText(text) : std::string(text));
    if (type == GgufTokenType::kUnused) {  // fills the list up to the rows of a matrix
      v.kinds.push_back(text.empty() ? TokenKind::kAbsent : TokenKind::kOpaque);
      continue;
    }
    v.kinds.push_back(TokenKind::kModel);
    if (of_model) continue;
    v.added.push_back(
        {.id = static_cast<int32_t>(id), .text = std::string(text), .special = type != GgufTokenType::kUserDefined});
  }
  const bool lowercase = metadata.GetBool("tokenizer.ggml.normalizer.lowercase", true);
  v.normalizer = {NormalizeBert{.strip_accents = metadata.GetBool("tokenizer.ggml.normalizer.strip_accents", lowercase),
                                .lowercase = lowercase}};
  v.pre_tokenizer = {BertPreTokenizer()};
  v.decoder = {DecodeWordPiece{std::string(kContinues), true}};
  return v;
}

}  // namespace spate
