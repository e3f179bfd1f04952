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
  std::string surface = {};  // what it decodes to, even with skip_special; empty: its text
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
struct NormalizeCharsMap {  // "Precompiled": SentencePiece's character map, applied to whole graphemes
  std::string charsmap;     // as the file has it
};
struct NormalizeBert {
  bool clean_text = true;
  bool chinese_apart = true;  // a space on both sides of each Chinese character
  bool strip_accents = false;
  bool lowercase = false;
};
struct NormalizeNmt {};
struct NormalizeByteLevel {};          // into the byte alphabet
struct NormalizeSentencePiece {        // all that SentencePiece does before its model
  std::string charsmap = {};           // as the file has it; empty: no character changes
  bool add_prefix = true;              // a space before the text
  bool prefix_first_only = false;      // ... not behind an added token
  bool collapse_spaces = true;         // leading and trailing ones go, of several in a row one stays
  bool escape_spaces = true;           // a space becomes U+2581
  bool space_as_suffix = false;        // the space of add_prefix goes behind the text
  std::vector<std::string> kept = {};  // texts that the character map does not touch, the longest at each place
};
using NormalizerStep = std::variant<NormalizeUnicode, NormalizeLowercase, NormalizeStrip, NormalizeStripAccents,
                                    NormalizePrepend, NormalizeReplace, NormalizeCharsMap, NormalizeBert, NormalizeNmt,
                                    NormalizeByteLevel, NormalizeSentencePiece>;

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
  TextPattern pattern;
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
struct DecodeBpe {     // "BPEDecoder"
  std::string suffix;  // ends a word: becomes a space, at the end of all nothing
};
struct DecodeWordPiece {
  std::string prefix;    // of a token that goes on with a word; others are set off by a space
  bool clean_up = true;  // takes spaces before punctuation and contractions away
};
struct DecodeSentencePiece {  // U+2581 is a space, <0x41> the byte 0x41
  bool bytes = false;         // there are byte tokens
  bool strip_first = false;   // one leading space of the text's first token
  bool strip_empty = false;   // ... of each token while there is no text yet
};
using DecoderStep = std::variant<DecodeByteLevel, DecodeReplace, DecodeByteFallback, DecodeFuse, DecodeStrip,
                                 DecodeMetaspace, DecodeBpe, DecodeWordPiece, DecodeSentencePiece>;

enum class ModelKind { kBpe, kUnigram, kWordPiece };

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
  // Whoever set the merges found both halves, not empty, and the result by their texts: not compared once more, which
  // for 200,000 merges is a tenth of the time that opening takes.
  bool merges_by_text = false;
  std::vector<AddedToken> added;  // distinct ids and texts
  std::vector<int32_t> fixed;     // tokens cut out of the normalized text before the model, the longest first

  ModelKind model = ModelKind::kBpe;
  std::vector<double> scores;     // unigram: [ids] logarithm of the probability; -infinity: never made from text
  double unk_score = 0;           // unigram: of a character that is no token
  bool single_precision = false;  // unigram: scores are added as float, as SentencePiece does; else as double

  int32_t unk = -1;            // for characters that the model does not know; -1: they vanish
  bool fuse_unk = false;       // one unk for a run of unknown characters
  bool byte_fallback = false;  // <0xNN> tokens for the bytes of an unknown character
  bool ignore_merges = false;  // a word that is a token is that token, whatever the merges say
  // Stands before what goes on with a word. BPE: before each character but the first, and merges take it away;
  // WordPiece: before each token but the first.
  std::string subword_prefix;
  std::string word_suffix;           // BPE: stands behind the last character of a word
  size_t max_word_characters = 100;  // WordPiece: a longer word is unk

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
