#include "backend/ref/slot_state.h"

#include "base/check.h"

namespace spate::ref {

void SlotState::Start(const SlotStart& start, int vocab) {
  tracked = start.track;
  remembers = start.remember;
  mirostat_mu = start.mirostat_mu;
  in_prompt.assign(tracked ? static_cast<size_t>(vocab) : 0, 0);
  in_output.assign(tracked ? static_cast<size_t>(vocab) : 0, 0);
  tokens.clear();
  const auto index = [&](int32_t id) {
    CHECK(id >= 0 && id < vocab, "token {} of {}", id, vocab);
    return static_cast<size_t>(id);
  };
  if (tracked) {
    for (const int32_t id : start.prompt) in_prompt[index(id)] = 1;
    for (const int32_t id : start.output) ++in_output[index(id)];
  }
  if (remembers) {
    tokens.assign(start.prompt.begin(), start.prompt.end());
    tokens.insert(tokens.end(), start.output.begin(), start.output.end());
  }
}

void SlotState::Take(const SampleResult& result) {
  last_token = result.token;
  if (tracked) ++in_output[static_cast<size_t>(result.token)];
  if (remembers) tokens.push_back(result.token);
  mirostat_mu = result.mirostat_mu;
}

}  // namespace spate::ref
