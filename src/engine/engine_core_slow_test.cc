// The simulation of engine_core_test.cc over millions of steps and random sizes.
#include <gtest/gtest.h>

#include <random>

#include "base/log.h"
#include "engine/engine_simulation.h"

namespace spate {
namespace {

TEST(EngineSimulationSlow, MillionsOfStepsOverRandomSizes) {
  SetLogLevel(LogLevel::kOff);
  std::mt19937_64 random(1);
  const auto between = [&](int low, int high) {
    return low + static_cast<int>(random() % static_cast<uint64_t>(high - low + 1));
  };
  int64_t preemptions = 0;
  for (int round = 0; round < 300; ++round) {
    simulation::Setting setting{};
    setting.seed = random();
    setting.context = between(2, 500);
    setting.max_sequences = between(1, 20);
    setting.max_batch_tokens = setting.max_sequences + between(0, 3) * between(0, 60);
    setting.blocks = (setting.context + 15) / 16 + between(0, 2) * between(0, 20);
    setting.steps = 10000;
    simulation::Simulation simulation(setting);
    SCOPED_TRACE(round);
    ASSERT_NO_FATAL_FAILURE(simulation.Run());
    preemptions += simulation.preemptions();
  }
  EXPECT_GT(preemptions, 5000);
}

}  // namespace
}  // namespace spate
