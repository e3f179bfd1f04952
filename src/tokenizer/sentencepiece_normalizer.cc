#include "tokenizer/sentencepiece_normalizer.h"

#include <algorithm>

#include "tokenizer/unicode.h"

namespace spate {
namespace {

constexpr std::string_view kMetaspace = "\u2581";

PieceTrie MakeTrie(const std::vector<std::string>& texts) {
  std::vector<PieceTrie::Entry> entries;
  for (const std::string& text : texts) entries.push_back({text, 0});
  return PieceTrie(std::move(entries));
}

}  // namespace

SentencePieceNormalizer::SentencePieceNormalizer(const NormalizeSentencePiece& step)
    : step_(step), map_(step.charsmap), kept_(MakeTrie(step.kept)) {}

SentencePieceNormalizer::Piece SentencePieceNormalizer::Next(std::string_view text) const {
  size_t kept = 0;
  int32_t node = PieceTrie::kRoot;
  for (size_t i = 0; i < text.size() && (node = kept_.Step(node, text[i])) >= 0; ++i) {
    if (kept_.Value(node) >= 0) kept = i + 1;
  }
  if (kept > 0) return {kept, text.substr(0, kept)};
  if (const auto match = map_.Longest(text)) return {match->bytes, match->replacement};
  const size_t bytes = ReadCodePoint(text, 0).bytes;
  return {bytes, text.substr(0, bytes)};
}

std::string SentencePieceNormalizer::Apply(std::string_view text, bool at_start) const {
  std::string out;
  const bool collapse = step_.collapse_spaces;
  while (collapse && !text.empty()) {
    const Piece piece = Next(text);
    if (piece.text != " ") break;
    text.remove_prefix(piece.bytes);
  }
  if (text.empty()) return out;
  out.reserve(text.size() + text.size() / 2 + kMetaspace.size());

  const std::string_view space = step_.escape_spaces ? kMetaspace : " ";
  const bool adds = step_.add_prefix && (at_start || !step_.prefix_first_only);
  if (adds && !step_.space_as_suffix) out += space;
  bool behind_space = collapse;
  while (!text.empty()) {
    Piece piece = Next(text);
    text.remove_prefix(piece.bytes);
    while (behind_space && piece.text.starts_with(' ')) piece.text.remove_prefix(1);
    if (piece.text.empty()) continue;
    for (const char c : piece.text) {
      if (c == ' ') {
        out += space;
      } else {
        out += c;
      }
    }
    behind_space = collapse && piece.text.ends_with(' ');
  }
  while (collapse && out.ends_with(space)) out.resize(out.size() - space.size());
  if (adds && step_.space_as_suffix) out += space;
  return out;
}

}  // namespace spate
