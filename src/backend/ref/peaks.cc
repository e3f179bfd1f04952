#include "backend/ref/peaks.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace spate::ref {
namespace {

using Clock = std::chrono::steady_clock;

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

// Runs `pass` until `seconds` have gone, at least once; the shortest time of one pass.
template <typename Pass>
double BestPass(double seconds, Pass pass) {
  const Clock::time_point start = Clock::now();
  double best = 1e30;
  do {
    const Clock::time_point before = Clock::now();
    pass();
    best = std::min(best, Seconds(Clock::now() - before));
  } while (Seconds(Clock::now() - start) < seconds);
  return std::max(best, 1e-9);
}

}  // namespace

double MeasureReadGbS(double seconds) {
  constexpr size_t kWords = size_t{32} << 20;  // 256 MiB, beyond any last-level cache of a CPU's one core complex
  const std::vector<uint64_t> words(kWords, 1);
  volatile uint64_t sink = 0;
  const double pass_seconds =
      BestPass(seconds, [&] { sink = std::accumulate(words.begin(), words.end(), uint64_t{0}); });
  return static_cast<double>(kWords * sizeof(uint64_t)) / pass_seconds / 1e9;
}

double MeasureF32Gflops(double seconds) {
  constexpr int kChains = 8;  // more than latency times issue width of a scalar multiply and add
  constexpr int kSteps = 1 << 18;
  volatile float input = 0.999f;
  volatile float sink = 0;
  const double pass_seconds = BestPass(seconds, [&] {
    const float factor = input;
    float chains[kChains] = {1, 2, 3, 4, 5, 6, 7, 8};
    for (int i = 0; i < kSteps; ++i) {
      for (float& chain : chains) chain = chain * factor + 0.001f;
    }
    sink = std::accumulate(chains, chains + kChains, 0.0f);
  });
  return 2.0 * kChains * kSteps / pass_seconds / 1e9;
}

}  // namespace spate::ref
