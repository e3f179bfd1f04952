#include "tokenizer/tokenizer.h"

#include <algorithm>
#include <unordered_set>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/bpe.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/decoder.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/unigram.h"
#include "tokenizer/vocabulary_check.h"
#include "tokenizer/wordpiece.h"

namespace spate {

struct Tokenizer::Impl {
  explicit Impl(Vocabulary given);

  const TokenTable& table() const { return bpe ? bpe->tokens() : unigram ? unigram->tokens() : wordpiece->tokens(); }
  void MakeFinders();
  void EncodeText(std::string_view text, bool literal, std::vector<int32_t>* ids) const;

  // How an added token is decoded.
  struct AddedText {
    std::string decoder_input;
    bool skipped = false;  // by skip_special
  };

  Vocabulary vocabulary;
  std::vector<int32_t> added_at;  // [ids] index into vocabulary.added; -1: none
  std::vector<AddedText> added_texts;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  std::optional<Bpe> bpe;  // one of the three
  std::optional<Unigram> unigram;
  std::optional<WordPiece> wordpiece;
  AddedTokenFinder raw_finder{{}};         // tokens that are matched in the text as it is
  AddedTokenFinder normalized_finder{{}};  // ... in the normalized text
  AddedTokenFinder fixed_finder{{}};       // tokens of the model that are cut out before it
};

Tokenizer::Impl::Impl(Vocabulary given)
    : vocabulary((CheckVocabulary(given), std::move(given))),
      added_at(vocabulary.tokens.size(), -1),
      normalizer(vocabulary.normalizer),
      pre_tokenizer(vocabulary.pre_tokenizer) {
  if (vocabulary.model == ModelKind::kUnigram) {
    unigram.emplace(vocabulary);
  } else if (vocabulary.model == ModelKind::kWordPiece) {
    wordpiece.emplace(vocabulary);
  } else {
    bpe.emplace(vocabulary);
  }
  CheckAgainstTable(vocabulary, table());
  // Throws what it does not support.
  [[maybe_unused]] const DecodeStream supported(vocabulary.decoder, vocabulary.join_with_spaces, false);
  MakeFinders();
}

void Tokenizer::Impl::MakeFinders() {
  std::vector<AddedTokenFinder::Pattern> raw, normalized;
  std::unordered_set<std::string> normalized_texts;
  std::unordered_set<std::string_view> special_texts;
  for (const AddedToken& token : vocabulary.added) {
    if (token.special) special_texts.insert(token.text);
  }
  const bool takes_bytes = DecodeStream::TakesBytes(vocabulary.decoder);
  for (size_t i = 0; i < vocabulary.added.size(); ++i) {
    const AddedToken& token = vocabulary.added[i];
    added_at[static_cast<size_t>(token.id)] = static_cast<int32_t>(i);
    std::string text = token.text;
    if (token.normalized) {
      bool moved = false;
      text = normalizer.Apply(token.text, true, &moved);
      if (text.empty() || !normalized_texts.insert(text).second) {
        throw Error(ErrorCode::kBadInput, "tokenizer: added token {} '{}' is {} after normalization", token.id,
                    OneLine(token.text, 40), text.empty() ? "empty" : "the same as another one");
      }
    }
    (token.normalized ? normalized : raw).push_back({text, token});
    AddedText& decoded = added_texts.emplace_back();
    if (!token.surface.empty()) {
      decoded.decoder_input = token.surface;
      continue;
    }
    decoded.skipped = special_texts.contains(text);
    if (!takes_bytes || !UnspellBytes(text, &decoded.decoder_input)) decoded.decoder_input = text;
  }
  raw_finder = AddedTokenFinder(std::move(raw));
  normalized_finder = AddedTokenFinder(std::move(normalized));
  std::vector<AddedTokenFinder::Pattern> fixed;
  for (const int32_t id : vocabulary.fixed) {
    const std::string& text = vocabulary.tokens[static_cast<size_t>(id)];
    fixed.push_back({text, {.id = id, .text = text}});
  }
  fixed_finder = AddedTokenFinder(std::move(fixed));
}

void Tokenizer::Impl::EncodeText(std::string_view text, bool literal, std::vector<int32_t>* ids) const {
  Words words;
  BpeScratch bpe_scratch;
  UnigramScratch unigram_scratch;
  ids->reserve(ids->size() + text.size() / 4 + 8);  // most text needs less, and what is not written costs nothing
  const auto encode_words = [&](std::string_view piece, bool at_start) {
    for (size_t at = 0; at < piece.size();) {
      at = pre_tokenizer.Split(piece, at, at_start && at == 0, &words);
      for (const TextRange& range : words.ranges) {
        const std::string_view word = words.text.substr(range.begin, range.size());
        if (bpe) {
          bpe->Encode(word, &bpe_scratch, ids);
        } else if (unigram) {
          unigram->Encode(word, &unigram_scratch, ids);
        } else {
          wordpiece->Encode(word, ids);
        }
      }
    }
  };
  const auto encode_piece = [&](std::string_view piece, bool at_start) {
    if (fixed_finder.empty()) return encode_words(piece, at_start);
    for (const auto& inner : fixed_finder.Cut(piece, false)) {
      if (inner.id >= 0) {
        ids->push_back(inner.id);
      } else {
        encode_words(piece.substr(inner.range.begin, inner.range.size()), at_start && inner.range.begin == 0);
      }
    }
  };
  for (const auto& stretch : raw_finder.Cut(text, literal)) {
    if (stretch.id >= 0) {
      ids->push_back(stretch.id);
      continue;
    }
    std::string_view piece = text.substr(stretch.range.begin, stretch.range.size());
    bool at_start = stretch.range.begin == 0;
    std::string normalized;
    if (!normalizer.empty()) {
      bool moved = false;
      normalized = normalizer.Apply(piece, at_start, &moved);
      piece = normalized;
      at_start = at_start && !moved;
    }
    for (const auto& inner : normalized_finder.Cut(piece, literal)) {
      if (inner.id >= 0) {
        ids->push_back(inner.id);
      } else {
        encode_piece(piece.substr(inner.range.begin, inner.range.size()), at_start && inner.range.begin == 0);
      }
    }
  }
}

Tokenizer::Tokenizer(Vocabulary vocabulary) : impl_(std::make_unique<Impl>(std::move(vocabulary))) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

std::vector<int32_t> Tokenizer::Encode(std::string_view text, const EncodeOptions& options) const {
  const size_t valid = ValidUtf8Prefix(text);
  if (valid != text.size()) {
    throw Error(ErrorCode::kBadInput, "text is not valid UTF-8: byte 0x{:02x} at offset {} of {}",
                static_cast<unsigned char>(text[valid]), valid, text.size());
  }
  std::vector<int32_t> ids;
  for (const TemplatePiece& piece : impl_->vocabulary.post_processor) {
    if (piece.is_text) {
      impl_->EncodeText(text, !options.parse_special, &ids);
    } else if (options.add_special) {
      ids.insert(ids.end(), piece.ids.begin(), piece.ids.end());
    }
  }
  return ids;
}

DecodeStream Tokenizer::MakeDecodeStream(bool continues) const {
  return DecodeStream(impl_->vocabulary.decoder, impl_->vocabulary.join_with_spaces, continues);
}

std::optional<std::string_view> Tokenizer::DecoderInput(int32_t id, bool skip_special, std::string* buffer) const {
  const Vocabulary& v = impl_->vocabulary;
  const size_t at = static_cast<size_t>(id);
  if (impl_->added_at[at] >= 0) {
    const Impl::AddedText& added = impl_->added_texts[static_cast<size_t>(impl_->added_at[at])];
    if (skip_special && added.skipped) return std::nullopt;
    return added.decoder_input;
  }
  if (v.kinds[at] == TokenKind::kAbsent) return std::nullopt;
  const bool has_bytes = v.spelling == TokenSpelling::kBytes;
  const bool takes_bytes = DecodeStream::TakesBytes(v.decoder);
  if (has_bytes == takes_bytes || v.kinds[at] == TokenKind::kOpaque) return v.tokens[at];
  if (has_bytes) {
    *buffer = SpellBytes(v.tokens[at]);
  } else if (!UnspellBytes(v.tokens[at], buffer)) {
    return v.tokens[at];
  }
  return *buffer;
}

std::string Tokenizer::Decode(std::span<const int32_t> ids, bool skip_special) const {
  DecodeStream stream = MakeDecodeStream(false);
  std::string text, buffer;
  for (const int32_t id : ids) {
    if (id < 0 || id >= vocab_size()) {
      throw Error(ErrorCode::kBadInput, "token id {} is not in the vocabulary, expected 0 to {}", id, vocab_size() - 1);
    }
    if (const auto input = DecoderInput(id, skip_special, &buffer)) stream.Push(*input, &text);
  }
  stream.Finish(&text);
  return text;
}

int Tokenizer::vocab_size() const { return static_cast<int>(impl_->vocabulary.tokens.size()); }

std::string_view Tokenizer::TokenText(int32_t id) const {
  if (id < 0 || id >= vocab_size()) return {};
  const int32_t added = impl_->added_at[static_cast<size_t>(id)];
  return added >= 0 ? impl_->vocabulary.added[static_cast<size_t>(added)].text
                    : impl_->vocabulary.tokens[static_cast<size_t>(id)];
}

bool Tokenizer::IsSpecial(int32_t id) const {
  if (id < 0 || id >= vocab_size()) return false;
  const int32_t added = impl_->added_at[static_cast<size_t>(id)];
  return added >= 0 && impl_->vocabulary.added[static_cast<size_t>(added)].special;
}

std::optional<int32_t> Tokenizer::bos() const {
  return impl_->vocabulary.bos < 0 ? std::nullopt : std::optional(impl_->vocabulary.bos);
}

std::span<const int32_t> Tokenizer::eos() const { return impl_->vocabulary.eos; }

bool Tokenizer::IsEos(int32_t id) const { return std::ranges::find(eos(), id) != eos().end(); }

std::optional<int32_t> Tokenizer::pad() const {
  return impl_->vocabulary.pad < 0 ? std::nullopt : std::optional(impl_->vocabulary.pad);
}

std::optional<int32_t> Tokenizer::TokenId(std::string_view text) const {
  for (const AddedToken& token : impl_->vocabulary.added) {
    if (token.text == text) return token.id;
  }
  const int32_t id = impl_->table().Find(text);
  return id < 0 ? std::nullopt : std::optional(id);
}

std::string_view Tokenizer::kind() const {
  const Vocabulary& v = impl_->vocabulary;
  if (v.model == ModelKind::kUnigram) return v.byte_fallback ? "unigram with byte fallback" : "unigram";
  if (v.model == ModelKind::kWordPiece) return "WordPiece";
  if (v.spelling == TokenSpelling::kBytes) return "byte-level BPE";
  return v.byte_fallback ? "BPE with byte fallback" : "BPE";
}

}  // namespace spate
