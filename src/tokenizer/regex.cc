#include "tokenizer/regex.h"

#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8
#endif
#include <pcre2.h>

#include <cstdint>

#include "base/error.h"
#include "tokenizer/unicode.h"

namespace spate {
namespace {

// A pattern of a real tokenizer takes tens of steps per match. A run of 10 MB of one character needs one step per
// character; beyond that is a pattern that backtracks without end.
constexpr uint32_t kMatchLimit = 100'000'000;
// Many matches that each stay below that limit may take hours together, so there is a time for the whole text too.
constexpr int64_t kBytesPerMillisecond = 1049;  // a second for each MiB
constexpr uint32_t kCallsPerLook = 8;           // at the clock
constexpr uint32_t kHeapLimitKiB = 256 * 1024;
constexpr size_t kJitStackStart = 32 * 1024;
constexpr size_t kJitStackMax = 64 * 1024 * 1024;

std::string MessageOf(int code) {
  PCRE2_UCHAR buffer[256];
  pcre2_get_error_message(code, buffer, sizeof(buffer));
  return reinterpret_cast<const char*>(buffer);
}

struct CodeFree {
  void operator()(pcre2_code* p) const { pcre2_code_free(p); }
};
struct MatchDataFree {
  void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }
};
struct MatchContextFree {
  void operator()(pcre2_match_context* p) const { pcre2_match_context_free(p); }
};
struct JitStackFree {
  void operator()(pcre2_jit_stack* p) const { pcre2_jit_stack_free(p); }
};

}  // namespace

struct Regex::Code {
  std::string pattern;
  std::unique_ptr<pcre2_code, CodeFree> code;
};

Regex::Regex(std::string_view pattern) : code_(std::make_unique<Code>()) {
  code_->pattern = pattern;
  const std::string translated = TranslateOniguruma(pattern);
  int error = 0;
  PCRE2_SIZE offset = 0;
  code_->code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                                  PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error, &offset,
                                  nullptr));
  if (!code_->code) {
    throw Error(ErrorCode::kBadInput, "invalid regular expression '{}': {}", pattern, MessageOf(error));
  }
  // Without JIT (not available on this machine, pattern too large) the interpreter gives the same matches.
  pcre2_jit_compile(code_->code.get(), PCRE2_JIT_COMPLETE);
}

Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

struct RegexRun::State {
  const Regex::Code* regex;
  std::string_view text;
  size_t at = 0;
  size_t last_end = std::string_view::npos;
  uint32_t calls = 0;
  std::chrono::steady_clock::time_point deadline;
  std::unique_ptr<pcre2_match_data, MatchDataFree> data;
  std::unique_ptr<pcre2_match_context, MatchContextFree> context;
  std::unique_ptr<pcre2_jit_stack, JitStackFree> stack;
};

RegexRun::RegexRun(const Regex& regex, std::string_view text, std::chrono::milliseconds allowance)
    : state_(std::make_unique<State>()) {
  state_->regex = regex.code_.get();
  state_->text = text;
  state_->deadline = std::chrono::steady_clock::now() + allowance +
                     std::chrono::milliseconds(static_cast<int64_t>(text.size()) / kBytesPerMillisecond);
  state_->data.reset(pcre2_match_data_create_from_pattern(regex.code_->code.get(), nullptr));
  state_->context.reset(pcre2_match_context_create(nullptr));
  state_->stack.reset(pcre2_jit_stack_create(kJitStackStart, kJitStackMax, nullptr));
  if (!state_->data || !state_->context) throw std::bad_alloc();
  pcre2_set_match_limit(state_->context.get(), kMatchLimit);
  pcre2_set_heap_limit(state_->context.get(), kHeapLimitKiB);
  if (state_->stack) pcre2_jit_stack_assign(state_->context.get(), nullptr, state_->stack.get());
}

RegexRun::~RegexRun() = default;

bool RegexRun::Next(TextRange* match) {
  State& s = *state_;
  if (++s.calls % kCallsPerLook == 0 && std::chrono::steady_clock::now() > s.deadline) {
    throw Error(ErrorCode::kBadInput, "regular expression '{}' takes too long on this text, at byte {} of {}",
                s.regex->pattern, s.at, s.text.size());
  }
  while (s.at <= s.text.size()) {
    const int rc = pcre2_match(s.regex->code.get(), reinterpret_cast<PCRE2_SPTR>(s.text.data()), s.text.size(), s.at,
                               PCRE2_NO_UTF_CHECK, s.data.get(), s.context.get());
    if (rc == PCRE2_ERROR_NOMATCH) {
      s.at = s.text.size() + 1;
      return false;
    }
    if (rc < 0) {
      throw Error(ErrorCode::kBadInput, "regular expression '{}' fails on this text at byte {}: {}", s.regex->pattern,
                  s.at, MessageOf(rc));
    }
    const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(s.data.get());
    const TextRange found{offsets[0], offsets[1]};
    if (found.begin == found.end) {
      const size_t step = found.end < s.text.size() ? ReadCodePoint(s.text, found.end).bytes : 1;
      s.at = found.end + step;
      if (found.end == s.last_end) continue;
    } else {
      s.at = found.end;
    }
    s.last_end = found.end;
    *match = found;
    return true;
  }
  return false;
}

}  // namespace spate
