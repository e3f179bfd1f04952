// Everything a tokenizer needs to know, as plain data. A reader of some file format fills it, Tokenizer checks it and
// takes it over; nothing here knows a file format. The steps are what Hugging Face tokenizer.json files call
// normalizer, pre_tokenizer, post_processor and decoder, with `Sequence` flattened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace spate {

// What stands behind an id of the model's own vocabulary.
enum class TokenKind : uint8_t {
  kAbsent,  // nothing: a hole, or an added token that the model does not know
  kModel,   // a token that merges may build
  kOpaque   // a byte-level token spelled with characters outside the byte alphabet: no text can produce it
};

struct Merge {
  int32_t left = -1;
  int32_t right = -1;
  int32_t result = -1;  // its bytes are those of left, then those of right
  int32_t rank = -1;    // the lowest is done first, of equal ones the leftmost pair; -1: its place in the list
};

// A token that is cut out of the text before the model sees it.
struct AddedToken {
  int32_t id = -1;
  std::string text;
  bool special = false;      // left out when decoding with skip_special; not recognised in literal text
  bool normalized = false;   // matched against the normalized text, not the raw one
  bool lstrip = false;       // takes the whitespace on its left with it
  bool rstrip = false;       // ... on its right
  bool single_word = false;  // only where no word character touches it
};

struct TextPattern {
  std::string text;
  bool is_regex = false;  // Oniguruma's Ruby syntax, as Hugging Face tokenizers reads it
};

// --- normalizer: applied in order to each stretch of text between added tokens ---
enum class UnicodeForm { kNfc, kNfd, kNfkc, kNfkd };
struct NormalizeUnicode {
  UnicodeForm form = UnicodeForm::kNfc;
};
struct NormalizeLowercase {};
struct NormalizeStrip {
  bool left = true;
  bool right = true;
};
struct NormalizeStripAccents {};
struct NormalizePrepend {
  std::string text;
};
struct NormalizeReplace {
  TextPattern pattern;
  std::string content;
};
using NormalizerStep = std::variant<NormalizeUnicode, NormalizeLowercase, NormalizeStrip, NormalizeStripAccents,
                                    NormalizePrepend, NormalizeReplace>;

// --- pre-tokenizer: cuts the normalized text into the words that BPE works on ---
enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };
struct SplitByteLevel {  // from here on the text is bytes, not characters
  bool add_prefix_space = false;
  bool use_regex = true;  // GPT-2's pattern
};
struct SplitPattern {
  TextPattern pattern;
  SplitBehavior behavior = SplitBehavior::kIsolated;
  bool invert = false;
};
struct SplitDigits {
  bool individual = false;
};
enum class PrependScheme { kFirst, kNever, kAlways };
struct SplitMetaspace {
  std::string replacement = "\u2581";  // one character, stands for a space
  PrependScheme scheme = PrependScheme::kAlways;
  bool split = true;
};
using PreTokenizerStep = std::variant<SplitByteLevel, SplitPattern, SplitDigits, SplitMetaspace>;

// --- post-processor: what is put around the text's ids ---
struct TemplatePiece {
  bool is_text = false;      // here go the ids of the text
  std::vector<int32_t> ids;  // otherwise these, when special tokens are wanted
};

// --- decoder: token texts, in order, back to one text ---
struct DecodeByteLevel {};
struct DecodeReplace {
  std::string pattern;  // literal
  std::string content;
};
struct DecodeByteFallback {};  // <0x41> is the byte 0x41
struct DecodeFuse {};
struct DecodeStrip {
  std::string content;  // one character
  size_t start = 0;     // how many of it to take off at most
  size_t stop = 0;
};
struct DecodeMetaspace {
  std::string replacement = "\u2581";
  PrependScheme scheme = PrependScheme::kAlways;
};
using DecoderStep =
    std::variant<DecodeByteLevel, DecodeReplace, DecodeByteFallback, DecodeFuse, DecodeStrip, DecodeMetaspace>;

// How `tokens` are spelled.
enum class TokenSpelling {
  kText,  // UTF-8 text
  kBytes  // raw bytes: byte-level BPE, whose alphabet the reader has undone
};

struct Vocabulary {
  TokenSpelling spelling = TokenSpelling::kText;
  std::vector<std::string> tokens;  // [ids]
  std::vector<TokenKind> kinds;     // [ids]
  std::vector<Merge> merges;        // of two for one pair the later counts
  std::vector<AddedToken> added;    // distinct ids and texts

  int32_t unk = -1;            // for characters that the model does not know; -1: they vanish
  bool fuse_unk = false;       // one unk for a run of unknown characters
  bool byte_fallback = false;  // <0xNN> tokens for the bytes of an unknown character
  bool ignore_merges = false;  // a word that is a token is that token, whatever the merges say

  std::vector<NormalizerStep> normalizer;
  std::vector<PreTokenizerStep> pre_tokenizer;
  std::vector<TemplatePiece> post_processor = {{.is_text = true, .ids = {}}};
  std::vector<DecoderStep> decoder;
  bool join_with_spaces = false;  // no decoder at all: token texts are joined by spaces

  int32_t bos = -1;          // -1: none
  std::vector<int32_t> eos;  // every id that ends a generation, the tokenizer's own first
  int32_t pad = -1;
};

}  // namespace spate
