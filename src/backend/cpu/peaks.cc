#include "backend/cpu/peaks.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/clock.h"
#include "base/math_util.h"

namespace spate::cpu {
namespace {

struct alignas(64) Sink {
  uint64_t bits = 0;
  float value = 0;
};

// At least 8 times the last level cache, so that little of a pass is still there from the one before.
size_t ReadBytes() {
  const int64_t cache = std::max<int64_t>(sysconf(_SC_LEVEL3_CACHE_SIZE), 0);
  const int64_t memory = std::max<int64_t>(sysconf(_SC_PHYS_PAGES), 1) * sysconf(_SC_PAGESIZE);
  return static_cast<size_t>(std::clamp<int64_t>(8 * cache, 512 << 20, std::max<int64_t>(memory / 8, 64 << 20)));
}

}  // namespace

double MeasureReadGbS(const PeakKernels& kernels, ThreadPool& pool, double seconds) {
  const SteadyClock clock;
  const double start = clock.NowSeconds();
  const size_t threads = static_cast<size_t>(pool.threads());
  const size_t share = AlignUp(ReadBytes() / threads, size_t{2} << 20);
  AlignedBuffer buffer(share * threads);
  std::vector<Sink> sinks(threads);
  // Written by its reader: pages lie near it, and are not the one page of zeros that unwritten memory shares.
  pool.Run([&](int thread) { std::memset(buffer.data() + share * static_cast<size_t>(thread), 1, share); });

  double best = 0;
  do {
    const double begin = clock.NowSeconds();
    pool.Run([&](int thread) {
      const size_t t = static_cast<size_t>(thread);
      sinks[t].bits += kernels.read(buffer.data() + share * t, share);
    });
    best = std::max(best, static_cast<double>(share * threads) / (clock.NowSeconds() - begin) / 1e9);
  } while (clock.NowSeconds() - start < seconds);
  volatile uint64_t keep = 0;
  for (const Sink& sink : sinks) keep = keep + sink.bits;
  return best;
}

double MeasureGops(double (*kernel)(int64_t rounds, float* sink), ThreadPool& pool, double seconds) {
  if (kernel == nullptr) return 0;
  constexpr int64_t kRounds = 200'000;  // about a millisecond: long beside waking the threads
  const SteadyClock clock;
  const double start = clock.NowSeconds();
  std::vector<Sink> sinks(static_cast<size_t>(pool.threads()));
  std::vector<double> operations(sinks.size());
  double best = 0;
  do {
    const double begin = clock.NowSeconds();
    pool.Run([&](int thread) {
      const size_t t = static_cast<size_t>(thread);
      operations[t] = kernel(kRounds, &sinks[t].value);
    });
    const double elapsed = clock.NowSeconds() - begin;
    double total = 0;
    for (const double count : operations) total += count;
    best = std::max(best, total / elapsed / 1e9);
  } while (clock.NowSeconds() - start < seconds);
  volatile float keep = 0;
  for (const Sink& sink : sinks) keep = keep + sink.value;
  return best;
}

}  // namespace spate::cpu
