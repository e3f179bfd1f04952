#include "backend/cpu/peaks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/clock.h"
#include "base/free_memory.h"
#include "base/math_util.h"

namespace spate::cpu {
namespace {

// Read by a thread at a time: about a millisecond, long beside waking the threads and short enough that some samples
// are left alone by whatever else runs. A whole number of them is a share.
constexpr size_t kSample = size_t{32} << 20;

struct alignas(64) Sink {
  uint64_t bits = 0;
  float value = 0;
};

// Of all last level caches together. The C library's figure is that of the whole package, even in a virtual machine
// that has a twelfth of it.
size_t CacheBytes() {
  std::set<std::string> seen;
  size_t kib = 0;
  for (int64_t cpu = 0; cpu < sysconf(_SC_NPROCESSORS_CONF); ++cpu) {
    const std::string folder = fmt::format("/sys/devices/system/cpu/cpu{}/cache/index3/", cpu);
    std::ifstream shared(folder + "shared_cpu_list"), size(folder + "size");
    std::string cpus;
    size_t value = 0;  // "32768K"
    if (std::getline(shared, cpus) && size >> value && seen.insert(cpus).second) kib += value;
  }
  return kib << 10;
}

// At least 8 times the caches, so that little of a pass is still there from the one before; but a measurement must not
// be what exhausts the memory.
size_t ReadBytes() {
  const auto room = static_cast<size_t>(FreeMemory()) / 4;
  return std::min(std::max(8 * CacheBytes(), size_t{512} << 20), std::max(room, size_t{64} << 20));
}

}  // namespace

double MeasureReadGbS(const PeakKernels& kernels, ThreadPool& pool, double seconds) {
  const SteadyClock clock;
  const double start = clock.NowSeconds();
  const size_t threads = static_cast<size_t>(pool.threads());
  const size_t share = AlignUp(ReadBytes() / threads, kSample);
  AlignedBuffer buffer(share * threads);
  std::vector<Sink> sinks(threads);
  // Written by its reader: pages lie near it, and are not the one page of zeros that unwritten memory shares.
  pool.Run([&](int thread) { std::memset(buffer.data() + share * static_cast<size_t>(thread), 1, share); });

  double best = 0;
  size_t from = 0;
  do {
    const double begin = clock.NowSeconds();
    pool.Run([&](int thread) {
      const size_t t = static_cast<size_t>(thread);
      sinks[t].bits += kernels.read(buffer.data() + share * t + from, kSample);
    });
    best = std::max(best, static_cast<double>(kSample * threads) / (clock.NowSeconds() - begin) / 1e9);
    from = (from + kSample) % share;
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
