// EngineStats: what an engine has done since its construction.
#pragma once

#include <cstdint>

namespace spate {

struct EngineStats {
  int64_t steps = 0;
  int64_t prefill_tokens = 0;
  int64_t decode_tokens = 0;
  double prefill_seconds = 0;  // of steps that held prefill only
  double decode_seconds = 0;   // of steps that held decodes only
  double mixed_seconds = 0;
  int64_t preemptions = 0;
};

}  // namespace spate
