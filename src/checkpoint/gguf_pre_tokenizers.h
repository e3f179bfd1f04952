// How text is cut into words before byte-level BPE, by the name that `tokenizer.ggml.pre` of a GGUF file gives: the
// file holds nothing but the name, so the patterns behind each are part of the format. Pure data.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "tokenizer/vocabulary.h"
#include "tokenizer/word_scan.h"

namespace spate {

// A regular expression, or the name of one.
struct GgufPattern {
  std::string_view regex = {};
  KnownPattern known = KnownPattern::kNone;
};

struct GgufPreTokenizer {
  std::string_view name;
  std::span<const GgufPattern> patterns;  // each cuts what the one before left
  bool ignore_merges = false;             // Vocabulary::ignore_merges
  bool add_bos = false;                   // unless the file says otherwise
  bool add_sep = false;                   // likewise
  bool spells_text = false;               // tokens are text, a space is U+2581, <0x41> a byte; not byte-level
  bool keeps_matches = false;             // what lies between the matches is dropped
};

// Null = no such name.
const GgufPreTokenizer* FindGgufPreTokenizer(std::string_view name);

// All names, for tests.
std::vector<std::string_view> GgufPreTokenizerNames();

// The patterns as steps, without the last one that turns text into bytes.
std::vector<PreTokenizerStep> StepsOf(const GgufPreTokenizer& pre);

}  // namespace spate
