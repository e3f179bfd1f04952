#include "engine/sampling_params.h"

#include <sys/random.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
#include <string_view>

#include "base/check.h"
#include "base/error.h"
#include "base/utf8.h"
#include "engine/sampling_options.h"

namespace spate {
namespace {

void CheckInt(std::string_view name, int64_t value, int64_t low, int64_t high) {
  if (value < low || value > high) {
    throw Error(ErrorCode::kUsage, "{}: expected an integer in [{}, {}], got {}", name, low, high, value);
  }
}

void CheckCount(std::string_view name, size_t count, size_t limit) {
  if (count > limit) throw Error(ErrorCode::kUsage, "{}: expected at most {} entries, got {}", name, limit, count);
}

void CheckText(std::string_view name, const std::string& text, size_t limit) {
  if (text.empty() || text.size() > limit) {
    throw Error(ErrorCode::kUsage, "{}: expected strings of 1 to {} bytes, got {}", name, limit, text.size());
  }
  if (!IsValidUtf8(text)) throw Error(ErrorCode::kUsage, "{}: expected UTF-8, got other bytes", name);
}

void CheckWords(const SamplingParams& p, int vocab) {
  CheckCount("dry_sequence_breakers", p.dry_breakers.size(), kMaxBreakers);
  for (const std::string& text : p.dry_breakers) CheckText("dry_sequence_breakers", text, kMaxBreakerBytes);
  CheckCount("dry_breaker_ids", p.dry_breaker_ids.size(), static_cast<size_t>(vocab));
  for (const int32_t id : p.dry_breaker_ids) CheckInt("dry_breaker_ids", id, 0, vocab - 1);
  CheckCount("bad_words", p.bad_words.size(), kMaxBadWords);
  for (const std::string& text : p.bad_words) CheckText("bad_words", text, kMaxBadWordBytes);
  CheckCount("bad_words_ids", p.bad_words_ids.size(), kMaxBadWords);
  for (const std::vector<int32_t>& word : p.bad_words_ids) {
    if (word.empty()) throw Error(ErrorCode::kUsage, "bad_words_ids: expected at least one id in each, got none");
    CheckCount("bad_words_ids: one of them", word.size(), kMaxBadWordIds);
    for (const int32_t id : word) CheckInt("bad_words_ids", id, 0, vocab - 1);
  }
}

}  // namespace

// It chooses by itself where to cut.
void CheckMirostat(const SamplingParams& p) {
  if (p.mirostat == 0) return;
  if (p.mirostat != 2) throw Error(ErrorCode::kUsage, "mirostat: expected 0 (off) or 2, got {}", p.mirostat);
  if (p.temperature <= 0) {
    throw Error(ErrorCode::kUsage, "mirostat: expected a temperature above 0 with it, got {}", p.temperature);
  }
  for (const SamplingOption& option : SamplingOptions()) {
    if (!option.is_filter || option.Get(p) == option.off) continue;
    throw Error(ErrorCode::kUsage,
                "mirostat: chooses by itself where to cut, got {} {} too; turn one of them off ({} {})", option.name,
                option.Get(p), option.name, option.off);
  }
}

void Validate(const SamplingParams& p, int vocab) {
  constexpr int kMaxInt = std::numeric_limits<int>::max();
  CheckInt("max_tokens", p.max_tokens, 0, kMaxInt);
  CheckInt("min_tokens", p.min_tokens, 0, p.max_tokens > 0 ? p.max_tokens : kMaxInt);
  for (const SamplingOption& option : SamplingOptions()) option.Check(p);
  CheckInt("top_logprobs", p.top_logprobs, -1, kMaxTopLogprobs);

  CheckCount("stop", p.stop.size(), kMaxStopStrings);
  for (const std::string& stop : p.stop) CheckText("stop", stop, kMaxStopBytes);
  CheckCount("stop_ids", p.stop_ids.size(), kMaxStopIds);
  for (const int32_t id : p.stop_ids) CheckInt("stop_ids", id, 0, vocab - 1);
  CheckCount("logit_bias", p.logit_bias.size(), kMaxLogitBias);
  for (const TokenBias& bias : p.logit_bias) {
    CheckInt("logit_bias: token", bias.id, 0, vocab - 1);
    // -infinity bans a token.
    const double value = static_cast<double>(bias.bias);
    if (bias.bias != -std::numeric_limits<float>::infinity() && !(std::abs(value) <= kMaxBias)) {
      throw Error(ErrorCode::kUsage, "logit_bias: expected a number in [{}, {}] or -infinity, got {}", -kMaxBias,
                  kMaxBias, value);
    }
  }
  CheckWords(p, vocab);
  CheckMirostat(p);
}

void CheckRequest(const Request& request, int vocab, int context) {
  Validate(request.params, vocab);
  const size_t size = request.prompt.size();
  if (size == 0) throw Error(ErrorCode::kBadInput, "prompt: expected at least one token, got none");
  if (size >= static_cast<size_t>(context)) {
    throw Error(ErrorCode::kDoesNotFit,
                "prompt: {} tokens do not fit the context of {}, of which one is for the output; shorten the prompt",
                size, context);
  }
  for (size_t i = 0; i < size; ++i) {
    const int32_t id = request.prompt[i];
    if (id < 0 || id >= vocab) {
      throw Error(ErrorCode::kBadInput, "prompt: token {} is id {}, the vocabulary has ids 0 to {}", i, id, vocab - 1);
    }
  }
}

std::string_view Name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kAborted:
      return "aborted";
    case FinishReason::kError:
      return "error";
  }
  CHECK(false, "reason {}", static_cast<int>(reason));
  return "";
}

uint64_t RandomSeed() {
  uint64_t bits = 0;
  ssize_t got = 0;
  do {
    got = getrandom(&bits, sizeof(bits), 0);
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof(bits))) {
    throw Error(ErrorCode::kEnvironment, "getrandom: {}; give a seed", std::strerror(errno));
  }
  return bits;
}

}  // namespace spate
