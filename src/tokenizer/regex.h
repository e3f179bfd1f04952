// A compiled regular expression: PCRE2 with JIT behind Oniguruma's syntax and classes, because that is what the
// patterns in tokenizer files are written for. Immutable and thread-safe; a RegexRun belongs to one thread.
//
//   Regex regex("\\p{L}+");
//   RegexRun run(regex, text);
//   for (TextRange match; run.Next(&match);) ...
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace spate {

struct TextRange {
  size_t begin = 0;  // byte offsets
  size_t end = 0;
  size_t size() const { return end - begin; }
};

class Regex {
 public:
  // Throws Error with the pattern's fault.
  explicit Regex(std::string_view pattern);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

 private:
  friend class RegexRun;
  struct Code;
  std::unique_ptr<Code> code_;
};

// All matches in `text` (valid UTF-8), left to right, without overlap. An empty match right behind the one before is
// skipped. Throws Error if the pattern needs more steps or memory for a match than allowed, or all matches together
// more time than `allowance` and a second for each MiB of text: some patterns are exponential.
class RegexRun {
 public:
  RegexRun(const Regex& regex, std::string_view text, std::chrono::milliseconds allowance = std::chrono::seconds(10));
  ~RegexRun();
  RegexRun(const RegexRun&) = delete;
  RegexRun& operator=(const RegexRun&) = delete;

  bool Next(TextRange* match);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The same pattern in PCRE2's syntax (for PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE). Throws Error on a construct whose
// meaning would differ.
std::string TranslateOniguruma(std::string_view pattern);

}  // namespace spate
