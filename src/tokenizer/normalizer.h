// The normalizer steps of a Vocabulary, compiled. Immutable, thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tokenizer/chars_map.h"
#include "tokenizer/regex.h"
#include "tokenizer/sentencepiece_normalizer.h"
#include "tokenizer/vocabulary.h"

namespace spate {

class Normalizer {
 public:
  explicit Normalizer(const std::vector<NormalizerStep>& steps);

  bool empty() const { return steps_.empty(); }

  // `text` is valid UTF-8, and so is the result. `at_start`: it is the start of the whole input. *moved becomes true if
  // the result's first character does not come from the first one of `text`: a pre-tokenizer that treats the start of
  // the text in its own way wants to know.
  std::string Apply(std::string_view text, bool at_start, bool* moved) const;

 private:
  struct RegexReplace {
    Regex regex;
    std::string content;
  };
  using Step = std::variant<NormalizerStep, RegexReplace, CharsMap, SentencePieceNormalizer>;
  static std::string ApplyPlain(const NormalizerStep& step, std::string_view text, bool* moved);

  std::vector<Step> steps_;
};

// One of Unicode's normalization forms, in linear time up to sorting within runs of combining marks.
std::string NormalizeForm(UnicodeForm form, std::string_view text);

std::string LowercaseText(std::string_view text);

// Each match, or each occurrence of `pattern` (not empty), left to right.
std::string ReplaceRegex(std::string_view text, const Regex& regex, std::string_view content);
std::string ReplaceAll(std::string_view text, std::string_view pattern, std::string_view content);

}  // namespace spate
