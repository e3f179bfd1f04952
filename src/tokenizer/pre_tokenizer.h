// The pre-tokenizer steps of a Vocabulary, compiled: cuts text into the words that BPE works on. Immutable,
// thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tokenizer/regex.h"
#include "tokenizer/vocabulary.h"
#include "tokenizer/word_scan.h"

namespace spate {

// Words as ranges of `text`: of the text that was given, or of `buffer` where a step had to change it.
struct Words {
  std::string_view text;
  std::vector<TextRange> ranges;
  std::string buffer;
};

class PreTokenizer {
 public:
  explicit PreTokenizer(const std::vector<PreTokenizerStep>& steps);

  // Cuts `text` from `from` on, which is 0 or what the call before returned, and returns where it stopped: where the
  // first step allows it that is after some words, so that the list of them stays in the cache. `text` is valid UTF-8,
  // longer than `from`, and must outlive *words. `at_start`: `from` is the start of the whole input.
  size_t Split(std::string_view text, size_t from, bool at_start, Words* words) const;

 private:
  struct ByteLevel {
    bool add_prefix_space;
    bool use_regex;
    bool is_last;  // otherwise the steps behind it see the byte alphabet's spelling
  };
  struct Pattern {
    SplitBehavior behavior;
    bool invert;
    KnownPattern known;
    std::string literal;           // if neither known nor regex
    std::shared_ptr<Regex> regex;  // shared: steps stay copyable
  };
  using Step = std::variant<ByteLevel, Pattern, SplitDigits, SplitMetaspace>;

  // Whether the words of this step are exactly the pieces that ScanWords finds.
  static bool IsScan(const Pattern& step);
  static void ApplyByteLevel(const ByteLevel& step, Words* words);
  static void ApplyPattern(const Pattern& step, Words* words);
  static void ApplyDigits(const SplitDigits& step, Words* words);
  static void ApplyMetaspace(const SplitMetaspace& step, bool at_start, Words* words);

  std::vector<Step> steps_;
  KnownPattern first_scan_ = KnownPattern::kNone;  // steps_[0], if it is nothing but a ScanWords
  bool spells_ = false;                            // the result must be turned back from the byte alphabet
};

}  // namespace spate
