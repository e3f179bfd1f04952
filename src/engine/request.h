// What goes into the engine and what comes out: plain data, the vocabulary of this layer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backend/ops.h"

namespace spate {

// Every sampler, in the order in which they run unless a request says otherwise (docs/sampling.md).
std::vector<SamplerStep> DefaultSamplers();

// What each means and its range: engine/sampling_options.h.
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

  float top_n_sigma = 0.f;  // 0 = off
  float typical_p = 1.f;    // 1 = off
  float xtc_probability = 0.f;
  float xtc_threshold = 0.1f;
  float dynatemp_range = 0.f;
  float dynatemp_exponent = 1.f;
  float dry_multiplier = 0.f;  // 0 = off
  float dry_base = 1.75f;
  int dry_allowed_length = 2;
  int dry_last_n = -1;  // -1 = the whole sequence
  std::vector<std::string> dry_breakers{"\n", ":", "\"", "*"};
  std::vector<int32_t> dry_breaker_ids{};  // beside those that ResolveWords finds for dry_breakers
  int mirostat = 0;                        // 0 = off, 2
  float mirostat_tau = 5.f;
  float mirostat_eta = 0.1f;
  std::vector<std::string> bad_words{};                   // ResolveWords makes ids of them
  std::vector<std::vector<int32_t>> bad_words_ids{};      // sequences that the output must not complete
  std::vector<SamplerStep> samplers = DefaultSamplers();  // what is not among them is off
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
