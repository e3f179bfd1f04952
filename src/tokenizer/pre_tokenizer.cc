#include "tokenizer/pre_tokenizer.h"

#include "base/check.h"
#include "base/error.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/unicode.h"

namespace spate {
namespace {

// Words that one call of Split cuts: their list takes 32 KiB.
constexpr size_t kWordsAtOnce = 2048;
constexpr size_t kAllWords = SIZE_MAX;

// A stretch of text that a pattern matched, or one between two matches.
struct Stretch {
  TextRange range;
  bool is_match;
};

// What becomes of matches and gaps. Neighbours join in place, so the result is never longer than the input.
void Arrange(std::vector<Stretch>& stretches, SplitBehavior behavior, std::vector<TextRange>* out) {
  const auto put = [&](TextRange range) {
    if (range.size() > 0) out->push_back(range);
  };
  switch (behavior) {
    case SplitBehavior::kIsolated:
      for (const Stretch& s : stretches) put(s.range);
      return;
    case SplitBehavior::kRemoved:
      for (const Stretch& s : stretches) {
        if (!s.is_match) put(s.range);
      }
      return;
    case SplitBehavior::kContiguous:
      for (size_t i = 0; i < stretches.size();) {
        TextRange joined = stretches[i].range;
        size_t next = i + 1;
        while (next < stretches.size() && stretches[next].is_match == stretches[i].is_match) {
          joined.end = stretches[next++].range.end;
        }
        put(joined);
        i = next;
      }
      return;
    case SplitBehavior::kMergedWithPrevious:
      for (size_t i = 0; i < stretches.size(); ++i) {
        TextRange joined = stretches[i].range;
        // Of several matches in a row only the first joins what is before it.
        const bool takes_next = !stretches[i].is_match && i + 1 < stretches.size() && stretches[i + 1].is_match;
        if (takes_next) joined.end = stretches[++i].range.end;
        put(joined);
      }
      return;
    case SplitBehavior::kMergedWithNext:
      for (size_t i = 0; i < stretches.size(); ++i) {
        TextRange joined = stretches[i].range;
        // Of several matches in a row only the last joins what is behind it.
        const bool takes_next = stretches[i].is_match && i + 1 < stretches.size() && !stretches[i + 1].is_match;
        if (takes_next) joined.end = stretches[++i].range.end;
        put(joined);
      }
      return;
  }
}

// Collects matches inside one range into stretches.
class StretchList {
 public:
  explicit StretchList(TextRange range) : range_(range), kept_(range.begin) {}
  void AddMatch(TextRange match) {
    if (kept_ < match.begin) list_.push_back({{kept_, match.begin}, false});
    list_.push_back({match, true});
    kept_ = match.end;
  }
  std::vector<Stretch>& Finish(bool invert) {
    if (kept_ < range_.end) list_.push_back({{kept_, range_.end}, false});
    if (invert) {
      for (Stretch& s : list_) s.is_match = !s.is_match;
    }
    return list_;
  }

 private:
  TextRange range_;
  size_t kept_;
  std::vector<Stretch> list_;
};

// Rust's char::is_numeric.
bool IsNumeric(uint32_t c) { return ClassOf(c) == kNumber; }

// Replaces the words' text by what `change` makes of each word.
template <typename Change>
void Rewrite(Words* words, Change change) {
  std::string buffer;
  buffer.reserve(words->text.size() + words->text.size() / 4);
  for (TextRange& range : words->ranges) {
    const size_t begin = buffer.size();
    buffer += change(words->text.substr(range.begin, range.size()));
    range = {begin, buffer.size()};
  }
  words->buffer = std::move(buffer);
  words->text = words->buffer;
}

}  // namespace

PreTokenizer::PreTokenizer(const std::vector<PreTokenizerStep>& steps) {
  bool bytes = false;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (const auto* level = std::get_if<SplitByteLevel>(&steps[i])) {
      if (bytes) throw Error(ErrorCode::kBadInput, "tokenizer: two ByteLevel pre-tokenizers, only one is supported");
      bytes = true;
      const bool is_last = i + 1 == steps.size();
      spells_ = !is_last;
      steps_.emplace_back(ByteLevel{level->add_prefix_space, level->use_regex, is_last});
    } else if (const auto* split = std::get_if<SplitPattern>(&steps[i])) {
      Pattern step{split->behavior, split->invert, KnownPattern::kNone, {}, {}};
      if (!split->pattern.is_regex) {
        step.literal = split->pattern.text;
        if (step.literal.empty()) {
          throw Error(ErrorCode::kBadInput, "tokenizer: pre-tokenizer Split has an empty pattern");
        }
      } else {
        step.known = RecognizePattern(split->pattern.text);
        // The scanner of a pattern with gaps does not say which of its pieces are matches.
        if (step.known != KnownPattern::kNone && !LeavesNoGap(step.known) && !IsScan(step)) {
          step.known = KnownPattern::kNone;
        }
        if (step.known == KnownPattern::kNone) step.regex = std::make_shared<Regex>(split->pattern.text);
      }
      steps_.emplace_back(std::move(step));
    } else if (const auto* digits = std::get_if<SplitDigits>(&steps[i])) {
      steps_.emplace_back(*digits);
    } else {
      const auto& space = std::get<SplitMetaspace>(steps[i]);
      if (bytes) throw Error(ErrorCode::kBadInput, "tokenizer: pre-tokenizer Metaspace behind ByteLevel");
      if (space.replacement.empty() || ReadCodePoint(space.replacement, 0).bytes != space.replacement.size()) {
        throw Error(ErrorCode::kBadInput, "tokenizer: Metaspace replacement '{}', expected one character",
                    space.replacement);
      }
      steps_.emplace_back(space);
    }
  }
  if (steps_.empty()) return;
  if (const auto* pattern = std::get_if<Pattern>(&steps_[0]); pattern != nullptr && IsScan(*pattern)) {
    first_scan_ = pattern->known;
  } else if (const auto* level = std::get_if<ByteLevel>(&steps_[0]);
             level != nullptr && level->use_regex && !level->add_prefix_space && level->is_last) {
    first_scan_ = KnownPattern::kGpt2;
  }
}

bool PreTokenizer::IsScan(const Pattern& step) {
  if (step.known == KnownPattern::kNone) return false;
  const bool keeps_matches = step.behavior == SplitBehavior::kRemoved && step.invert && LeavesNoGap(step.known);
  return step.behavior == SplitBehavior::kIsolated || keeps_matches;
}

size_t PreTokenizer::Split(std::string_view text, size_t from, bool at_start, Words* words) const {
  words->text = text;
  words->ranges.clear();
  size_t end = text.size();
  size_t next_step = 0;
  if (first_scan_ != KnownPattern::kNone) {
    end = ScanWords(first_scan_, text, {from, text.size()}, kWordsAtOnce, &words->ranges);
    next_step = 1;
  } else {
    words->ranges.push_back({from, text.size()});
  }
  for (; next_step < steps_.size(); ++next_step) {
    const Step& step = steps_[next_step];
    if (const auto* bytes = std::get_if<ByteLevel>(&step)) {
      ApplyByteLevel(*bytes, words);
    } else if (const auto* pattern = std::get_if<Pattern>(&step)) {
      ApplyPattern(*pattern, words);
    } else if (const auto* digits = std::get_if<SplitDigits>(&step)) {
      ApplyDigits(*digits, words);
    } else {
      ApplyMetaspace(std::get<SplitMetaspace>(step), at_start, words);
    }
  }
  if (spells_) {
    Rewrite(words, [](std::string_view word) {
      std::string bytes;
      CHECK(UnspellBytes(word, &bytes), "a character outside the byte alphabet");
      return bytes;
    });
  }
  return end;
}

void PreTokenizer::ApplyByteLevel(const ByteLevel& step, Words* words) {
  if (step.add_prefix_space) {
    bool all_have_it = true;
    for (const TextRange& range : words->ranges) all_have_it &= words->text[range.begin] == ' ';
    if (!all_have_it) {
      Rewrite(words, [](std::string_view word) { return (word.front() == ' ' ? "" : " ") + std::string(word); });
    }
  }
  if (step.use_regex) {
    const std::vector<TextRange> ranges = std::move(words->ranges);
    words->ranges.clear();
    for (const TextRange& range : ranges) {
      ScanWords(KnownPattern::kGpt2, words->text, range, kAllWords, &words->ranges);
    }
  }
  if (!step.is_last) Rewrite(words, SpellBytes);
}

void PreTokenizer::ApplyPattern(const Pattern& step, Words* words) {
  const std::vector<TextRange> ranges = std::move(words->ranges);
  words->ranges.clear();
  if (IsScan(step)) {
    for (const TextRange& range : ranges) ScanWords(step.known, words->text, range, kAllWords, &words->ranges);
    return;
  }
  std::vector<TextRange> matches;
  for (const TextRange& range : ranges) {
    StretchList list(range);
    if (step.known != KnownPattern::kNone) {
      matches.clear();
      ScanWords(step.known, words->text, range, kAllWords, &matches);
      for (const TextRange& match : matches) list.AddMatch(match);
    } else if (step.regex) {
      RegexRun run(*step.regex, words->text.substr(range.begin, range.size()));
      for (TextRange match; run.Next(&match);) list.AddMatch({range.begin + match.begin, range.begin + match.end});
    } else {
      const std::string_view stretch = words->text.substr(0, range.end);
      for (size_t at = range.begin; (at = stretch.find(step.literal, at)) != std::string_view::npos;) {
        list.AddMatch({at, at + step.literal.size()});
        at += step.literal.size();
      }
    }
    Arrange(list.Finish(step.invert), step.behavior, &words->ranges);
  }
}

void PreTokenizer::ApplyDigits(const SplitDigits& step, Words* words) {
  const std::vector<TextRange> ranges = std::move(words->ranges);
  words->ranges.clear();
  for (const TextRange& range : ranges) {
    StretchList list(range);
    for (size_t at = range.begin; at < range.end;) {
      const CodePoint c = ReadCodePoint(words->text, at);
      if (IsNumeric(c.value)) list.AddMatch({at, at + c.bytes});
      at += c.bytes;
    }
    Arrange(list.Finish(false), step.individual ? SplitBehavior::kIsolated : SplitBehavior::kContiguous,
            &words->ranges);
  }
}

void PreTokenizer::ApplyMetaspace(const SplitMetaspace& step, bool at_start, Words* words) {
  bool first = at_start;
  Rewrite(words, [&](std::string_view word) {
    std::string out;
    const bool prepend = step.scheme == PrependScheme::kAlways || (step.scheme == PrependScheme::kFirst && first);
    first = false;
    if (prepend && word.front() != ' ' && !word.starts_with(step.replacement)) out = step.replacement;
    out.reserve(word.size() * 5 / 4 + 4);
    for (const char c : word) {
      if (c == ' ') {
        out += step.replacement;
      } else {
        out += c;
      }
    }
    return out;
  });
  if (!step.split) return;
  const Pattern pattern{SplitBehavior::kMergedWithNext, false, KnownPattern::kNone, step.replacement, {}};
  ApplyPattern(pattern, words);
}

}  // namespace spate
