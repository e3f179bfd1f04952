// What a request must satisfy before the engine takes it, and where its seed comes from. Thread-safe.
// Validate itself is declared in engine/request.h.
#pragma once

#include <cstdint>

#include "engine/request.h"

namespace spate {

// Limits on what one request may make the engine keep and look at for every token.
inline constexpr size_t kMaxStopStrings = 64;
inline constexpr size_t kMaxStopBytes = 1024;  // of one string
inline constexpr size_t kMaxStopIds = 1024;
inline constexpr size_t kMaxLogitBias = 1024;
inline constexpr double kMaxBias = 1e4;
inline constexpr size_t kMaxBreakers = 64;
inline constexpr size_t kMaxBreakerBytes = 64;
inline constexpr size_t kMaxBadWords = 1024;  // as texts and as ids
inline constexpr size_t kMaxBadWordBytes = 256;
inline constexpr size_t kMaxBadWordIds = 256;  // of one

// The part of Validate that is about mirostat: its version, and what does not go with it.
void CheckMirostat(const SamplingParams& params);

// Validate, and the prompt: ids of the vocabulary, and room for at least one more position in `context`.
// Throws Error: kUsage for a parameter, kBadInput for ids, kDoesNotFit with both numbers.
void CheckRequest(const Request& request, int vocab, int context);

// 64 bits from the system's generator. Throws Error(kEnvironment) when it has none to give.
uint64_t RandomSeed();

}  // namespace spate
