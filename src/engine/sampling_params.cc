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

namespace spate {
namespace {

// NaN is in no range.
void CheckRange(std::string_view name, double value, double low, double high) {
  if (!(value >= low && value <= high)) {
    throw Error(ErrorCode::kUsage, "{}: expected a number in [{}, {}], got {}", name, low, high, value);
  }
}

void CheckAbove(std::string_view name, double value, double low, double high) {
  if (!(value > low && value <= high)) {
    throw Error(ErrorCode::kUsage, "{}: expected a number in ({}, {}], got {}", name, low, high, value);
  }
}

void CheckInt(std::string_view name, int64_t value, int64_t low, int64_t high) {
  if (value < low || value > high) {
    throw Error(ErrorCode::kUsage, "{}: expected an integer in [{}, {}], got {}", name, low, high, value);
  }
}

void CheckCount(std::string_view name, size_t count, size_t limit) {
  if (count > limit) throw Error(ErrorCode::kUsage, "{}: expected at most {} entries, got {}", name, limit, count);
}

}  // namespace

void Validate(const SamplingParams& p, int vocab) {
  constexpr int kMaxInt = std::numeric_limits<int>::max();
  CheckInt("max_tokens", p.max_tokens, 0, kMaxInt);
  CheckInt("min_tokens", p.min_tokens, 0, p.max_tokens > 0 ? p.max_tokens : kMaxInt);
  CheckRange("temperature", p.temperature, 0, 100);
  CheckInt("top_k", p.top_k, 0, kMaxInt);
  CheckAbove("top_p", p.top_p, 0, 1);
  CheckRange("min_p", p.min_p, 0, 1);
  CheckAbove("repetition_penalty", p.repetition_penalty, 0, 100);
  CheckRange("presence_penalty", p.presence_penalty, -2, 2);
  CheckRange("frequency_penalty", p.frequency_penalty, -2, 2);
  CheckInt("top_logprobs", p.top_logprobs, -1, kMaxTopLogprobs);

  CheckCount("stop", p.stop.size(), kMaxStopStrings);
  for (const std::string& stop : p.stop) {
    if (stop.empty() || stop.size() > kMaxStopBytes) {
      throw Error(ErrorCode::kUsage, "stop: expected strings of 1 to {} bytes, got {}", kMaxStopBytes, stop.size());
    }
    if (!IsValidUtf8(stop)) throw Error(ErrorCode::kUsage, "stop: expected UTF-8, got other bytes");
  }
  CheckCount("stop_ids", p.stop_ids.size(), kMaxStopIds);
  for (const int32_t id : p.stop_ids) CheckInt("stop_ids", id, 0, vocab - 1);
  CheckCount("logit_bias", p.logit_bias.size(), kMaxLogitBias);
  for (const TokenBias& bias : p.logit_bias) {
    CheckInt("logit_bias: token", bias.id, 0, vocab - 1);
    // -infinity bans a token.
    if (bias.bias != -std::numeric_limits<float>::infinity()) CheckRange("logit_bias", bias.bias, -1e4, 1e4);
  }
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
