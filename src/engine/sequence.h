// Sequence: one request as the scheduler sees it: its tokens, how many of them are in the cache, and what it
// holds while it runs. Owned by whoever gives it to the Scheduler, which keeps a pointer from Add to Remove and
// is the only one to change it. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/ops.h"
#include "cache/block_pool.h"
#include "engine/request.h"
#include "engine/sampler_plan.h"

namespace spate {

// What holds for every sequence of an engine.
struct SequenceLimits {
  int context = 0;  // positions of prompt and output together
  std::vector<int32_t> eos_ids;
};

class Sequence {
 public:
  // The request has passed CheckRequest. `seed`: that of its parameters, or random bits.
  Sequence(const Request& request, uint64_t seed, const SequenceLimits& limits);
  Sequence(const Sequence&) = delete;
  Sequence& operator=(const Sequence&) = delete;

  const std::string& id() const { return id_; }
  uint64_t seed() const { return sample_.seed; }
  int size() const { return static_cast<int>(tokens_.size()); }  // tokens of prompt and output
  int prompt_size() const { return prompt_size_; }
  int output_size() const { return size() - prompt_size_; }
  int limit() const { return limit_; }  // the size at which it ends with kLength
  std::span<const int32_t> tokens() const { return tokens_; }
  std::span<const int32_t> prompt() const { return tokens().first(static_cast<size_t>(prompt_size_)); }
  std::span<const int32_t> output() const { return tokens().subspan(static_cast<size_t>(prompt_size_)); }

  int computed() const { return computed_; }  // leading tokens whose keys and values are in the cache
  int slot() const { return slot_; }          // -1 = not running
  std::span<const int32_t> blocks() const { return blocks_.blocks(); }
  int preemptions() const { return preemptions_; }
  // Set by the last Commit: the output is complete, and its owner is to Remove it.
  std::optional<FinishReason> finish() const { return finish_; }
  // That reason came from a token that stands for the end (EOS or a stop id) and is no text.
  bool ended_by_id() const { return ended_by_id_; }

  // What the slot of a sequence that is admitted has to remember, from before a preemption too.
  SlotStart Start() const;
  // How the token after all present ones is drawn: a function of the request and its tokens alone, apart from
  // the slot. Points into the sequence.
  SampleArgs NextSample() const;

 private:
  friend class Scheduler;
  enum class State : uint8_t { kNew, kWaiting, kRunning, kRemoved };

  void Append(const SampleResult& result);

  std::string id_;
  std::vector<int32_t> tokens_;
  int prompt_size_;
  int limit_;
  int min_tokens_;
  SamplerPlan plan_;
  float mirostat_mu_;
  std::vector<int32_t> end_ids_;  // EOS unless ignored, and the request's stop ids
  std::vector<TokenBias> bias_;   // `bans_` times -infinity for end_ids_, then the request's own
  size_t bans_ = 0;
  SampleArgs sample_;  // what stays the same from token to token

  State state_ = State::kNew;
  uint64_t arrival_ = 0;
  int computed_ = 0;
  int slot_ = -1;
  BlockList blocks_;
  int preemptions_ = 0;
  std::optional<FinishReason> finish_;
  bool ended_by_id_ = false;
};

}  // namespace spate
