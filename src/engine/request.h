// What goes into the engine and what comes out: plain data, the vocabulary of this layer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backend/ops.h"

namespace spate {

struct SamplingParams {
  int max_tokens = 0;  // of output; 0 = as many as the context holds
  int min_tokens = 0;  // before this many, neither EOS nor stop ids end the output (they are banned)
  float temperature = 1.f;
  int top_k = 0;
  float top_p = 1.f;
  float min_p = 0.f;
  float repetition_penalty = 1.f;
  float presence_penalty = 0.f;
  float frequency_penalty = 0.f;
  std::optional<uint64_t> seed{};  // none = 64 bits from the system, reported in Delta::seed
  uint32_t choice = 0;             // index among several answers to one prompt
  bool ignore_eos = false;
  std::vector<std::string> stop{};  // the output ends before the first of these
  std::vector<int32_t> stop_ids{};  // beside the model's own EOS ids
  std::vector<TokenBias> logit_bias{};
  int top_logprobs = -1;  // -1 = none
};

// Throws Error(kUsage) with the name, range and value of the first parameter that is out of range.
void Validate(const SamplingParams& params, int vocab);

struct Request {
  std::string id{};               // unique among running requests
  std::vector<int32_t> prompt{};  // at least one id
  SamplingParams params{};
};

enum class FinishReason : uint8_t { kStop, kLength, kAborted, kError };
std::string_view Name(FinishReason reason);  // "stop", "length", "aborted", "error"

struct RequestTimings {  // seconds
  double queued = 0;     // submission to first scheduled
  double prefill = 0;    // first scheduled to first token (TTFT = queued + prefill)
  double decode = 0;     // first token to last
  int prompt_tokens = 0;
  int output_tokens = 0;
  int preemptions = 0;
};

// A piece of a request's output. Every request ends with exactly one Delta whose `finish` is set.
struct Delta {
  std::string id;
  std::string text{};                  // complete UTF-8; may be empty while characters or stop strings are held back
  std::vector<SampleResult> tokens{};  // sampled since the last Delta
  std::optional<FinishReason> finish{};
  std::string error{};  // with kError
  uint64_t seed = 0;
  RequestTimings timings{};  // complete with `finish`
};

// Receives a request's output on the engine's thread; must return at once and not throw. The engine holds it
// until the final Delta.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void Push(Delta delta) = 0;
};

}  // namespace spate
