#include "engine/sequence.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace spate {

Sequence::Sequence(const Request& request, uint64_t seed, const SequenceLimits& limits)
    : id_(request.id),
      tokens_(request.prompt),
      prompt_size_(static_cast<int>(tokens_.size())),
      limit_(limits.context),
      min_tokens_(request.params.min_tokens),
      plan_(request.params),
      mirostat_mu_(plan_.FirstMu()) {
  const SamplingParams& p = request.params;
  if (p.max_tokens > 0) limit_ = static_cast<int>(std::min<int64_t>(limit_, int64_t{prompt_size_} + p.max_tokens));
  CHECK(0 < prompt_size_ && prompt_size_ < limit_, "prompt of {} tokens, limit {}", prompt_size_, limit_);

  if (!p.ignore_eos) end_ids_ = limits.eos_ids;
  end_ids_.insert(end_ids_.end(), p.stop_ids.begin(), p.stop_ids.end());
  if (min_tokens_ > 0) {
    for (const int32_t id : end_ids_) bias_.push_back({id, -std::numeric_limits<float>::infinity()});
    bans_ = bias_.size();
  }
  bias_.insert(bias_.end(), p.logit_bias.begin(), p.logit_bias.end());
  for (const int32_t id : plan_.bans()) bias_.push_back({id, -std::numeric_limits<float>::infinity()});

  plan_.Fill(sample_);
  sample_.seed = seed;
  sample_.choice = p.choice;
  sample_.top_logprobs = p.top_logprobs;
}

SampleArgs Sequence::NextSample() const {
  SampleArgs args = sample_;
  args.extras = plan_.extras();
  args.position = size();
  args.slot = slot_;
  const size_t skip = output_size() < min_tokens_ ? 0 : bans_;
  args.bias = bias_.data() + skip;
  args.bias_count = static_cast<int32_t>(bias_.size() - skip);
  return args;
}

SlotStart Sequence::Start() const {
  SlotStart start{.slot = slot_, .track = plan_.counts(), .remember = plan_.remembers(), .mirostat_mu = mirostat_mu_};
  if (start.track || start.remember) {
    start.prompt = prompt();
    start.output = output();
  }
  return start;
}

void Sequence::Append(const SampleResult& result) {
  const int32_t token = result.token;
  mirostat_mu_ = result.mirostat_mu;
  const bool may_end = output_size() >= min_tokens_;
  tokens_.push_back(token);
  ended_by_id_ = may_end && std::find(end_ids_.begin(), end_ids_.end(), token) != end_ids_.end();
  if (ended_by_id_) {
    finish_ = FinishReason::kStop;
  } else if (size() >= limit_) {
    finish_ = FinishReason::kLength;
  }
}

}  // namespace spate
