// Executor: computes steps. Launch starts one, Collect waits for it; exactly one Collect follows each Launch that
// returned. Used by one thread. Both may throw: the step then failed as a whole.
// Implementations: WorkerExecutor (engine/worker.h) and the simulation of the tests (engine/fake_executor.h).
#pragma once

#include <span>

#include "backend/ops.h"
#include "engine/batch_builder.h"

namespace spate {

class Executor {
 public:
  virtual ~Executor() = default;
  virtual void Launch(const StepInput& input) = 0;            // stays valid until Collect
  virtual void Collect(std::span<SampleResult> results) = 0;  // [input.batch.outputs]
};

}  // namespace spate
