// SlotState: what a slot remembers of the tokens so far, for samplers that look back. A plain value.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/ops.h"

namespace spate::ref {

struct SlotState {
  int32_t last_token = -1;         // -1: none sampled yet
  bool tracked = false;            // the next two are empty unless tracked
  std::vector<uint8_t> in_prompt;  // [vocab] 0 or 1
  std::vector<int32_t> in_output;  // [vocab] occurrences
  bool remembers = false;          // tokens is empty unless it does
  std::vector<int32_t> tokens;     // prompt and output in their order
  float mirostat_mu = 0;

  // A new owner; the last token stays, for it may be read before the first is sampled.
  void Start(const SlotStart& start, int vocab);
  // A token was sampled.
  void Take(const SampleResult& result);
};

}  // namespace spate::ref
