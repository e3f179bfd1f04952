#include "tokenizer/chars_map.h"

#include <utf8proc.h>

#include <cstring>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizer/unicode.h"

namespace spate {
namespace {

// The longest decomposition of Unicode has 33 bytes. A limit, so that no text grows beyond reason.
constexpr size_t kMaxReplacement = 1024;

// The fields of a unit of a Darts double array.
bool HasLeaf(uint32_t unit) { return (unit >> 8 & 1) != 0; }
uint32_t LeafValue(uint32_t unit) { return unit & 0x7FFFFFFF; }
uint32_t Label(uint32_t unit) { return unit & 0x800000FF; }
uint32_t Offset(uint32_t unit) { return unit >> 10 << ((unit & 0x200) >> 6); }

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Where the grapheme that starts at `begin` ends.
size_t GraphemeEnd(std::string_view text, size_t begin) {
  CodePoint c = ReadCodePoint(text, begin);
  size_t end = begin + c.bytes;
  utf8proc_int32_t state = 0;
  while (end < text.size()) {
    const CodePoint next = ReadCodePoint(text, end);
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(c.value),
                                         static_cast<utf8proc_int32_t>(next.value), &state)) {
      break;
    }
    end += next.bytes;
    c = next;
  }
  return end;
}

}  // namespace

CharsMap::CharsMap(std::string_view blob) {
  if (blob.empty()) return;
  const auto fail = [&](std::string_view why) {
    throw Error(ErrorCode::kBadInput, "tokenizer: precompiled character map of {} bytes: {}", blob.size(), why);
  };
  uint32_t trie_bytes = 0;  // little-endian, as all of it
  if (blob.size() < sizeof(trie_bytes)) fail("it is cut off");
  std::memcpy(&trie_bytes, blob.data(), sizeof(trie_bytes));
  blob.remove_prefix(sizeof(trie_bytes));
  if (trie_bytes > blob.size() || trie_bytes % sizeof(uint32_t) != 0) fail("its trie is cut off");
  units_.resize(trie_bytes / sizeof(uint32_t));
  if (!units_.empty()) std::memcpy(units_.data(), blob.data(), trie_bytes);
  replacements_ = blob.substr(trie_bytes);
  if (!units_.empty() && !replacements_.ends_with('\0')) fail("its last replacement is cut off");
  if (!IsValidUtf8(replacements_)) fail("its replacements are not valid UTF-8");
  for (size_t at = 0, end; at < replacements_.size(); at = end + 1) {
    end = replacements_.find('\0', at);
    if (end - at > kMaxReplacement) fail("a replacement is too long");
  }
}

std::optional<CharsMap::Match> CharsMap::Find(std::string_view text, bool shortest) const {
  std::optional<Match> found;
  if (units_.empty()) return found;
  uint32_t at = Offset(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const uint32_t byte = static_cast<unsigned char>(text[i]);
    at ^= byte;
    if (at >= units_.size() || Label(units_[at]) != byte) break;
    const uint32_t unit = units_[at];
    at ^= Offset(unit);
    if (at >= units_.size()) break;
    if (!HasLeaf(unit) || (i + 1 < text.size() && IsContinuation(text[i + 1]))) continue;
    const uint32_t value = LeafValue(units_[at]);
    if (value >= replacements_.size() || IsContinuation(replacements_[value])) continue;
    const std::string_view rest = std::string_view(replacements_).substr(value);
    found = {i + 1, rest.substr(0, rest.find('\0'))};
    if (shortest) break;
  }
  return found;
}

std::string CharsMap::ApplyToGraphemes(std::string_view text) const {
  constexpr size_t kMaxWhole = 5;  // bytes
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t end = GraphemeEnd(text, at);
    const std::string_view grapheme = text.substr(at, end - at);
    const auto whole = grapheme.size() <= kMaxWhole ? Shortest(grapheme) : std::nullopt;
    if (whole) {
      out += whole->replacement;
    } else {
      for (size_t i = 0; i < grapheme.size();) {
        const std::string_view character = grapheme.substr(i, ReadCodePoint(grapheme, i).bytes);
        const auto match = Shortest(character);
        out += match ? match->replacement : character;
        i += character.size();
      }
    }
    at = end;
  }
  return out;
}

}  // namespace spate
