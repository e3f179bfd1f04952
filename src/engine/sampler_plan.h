// SamplerPlan: what of a request's sampling parameters a backend is told. Samplers that change nothing are left out,
// so that a request of the usual ones in the usual order has no extras, whatever its list says. A part of its Sequence,
// which outlives every step; does not move, because extras() points into it. Immutable.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "backend/ops.h"
#include "engine/request.h"

namespace spate {

class SamplerPlan {
 public:
  explicit SamplerPlan(const SamplingParams& params);
  SamplerPlan(const SamplerPlan&) = delete;
  SamplerPlan& operator=(const SamplerPlan&) = delete;

  void Fill(SampleArgs& args) const;                                             // the usual samplers
  const SamplerExtras* extras() const { return extras_ ? &*extras_ : nullptr; }  // null = nothing beyond those
  std::span<const int32_t> bans() const { return bans_; }                        // bad words of a single token

  bool counts() const { return counts_; }        // SlotStart::track
  bool remembers() const { return remembers_; }  // SlotStart::remember
  float FirstMu() const;                         // of mirostat, before the first token

 private:
  SampleArgs usual_;
  std::optional<SamplerExtras> extras_;
  std::vector<int32_t> bans_, breakers_, bad_words_, bad_word_ends_;
  bool counts_ = false;
  bool remembers_ = false;
};

}  // namespace spate
