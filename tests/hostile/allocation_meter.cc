#include "tests/hostile/allocation_meter.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<size_t> live{0};
std::atomic<size_t> peak{0};
std::atomic<size_t> largest_allocation{0};

void RaiseTo(std::atomic<size_t>& most, size_t value) {
  size_t seen = most.load(std::memory_order_relaxed);
  while (seen < value && !most.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

void* Take(size_t size) noexcept {
  void* memory = std::malloc(std::max<size_t>(size, 1));
  if (memory == nullptr) return nullptr;
  RaiseTo(largest_allocation, size);
  const size_t held = malloc_usable_size(memory);
  RaiseTo(peak, live.fetch_add(held, std::memory_order_relaxed) + held);
  return memory;
}

void GiveBack(void* memory) noexcept {
  if (memory == nullptr) return;
  live.fetch_sub(malloc_usable_size(memory), std::memory_order_relaxed);
  std::free(memory);
}

}  // namespace

[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t& /*tag*/) noexcept { return Take(size); }
[[gnu::noinline]] void* operator new(size_t size) {
  if (void* memory = Take(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { GiveBack(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t /*size*/) noexcept { GiveBack(memory); }
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept { GiveBack(memory); }

namespace spate {

AllocationMeter::AllocationMeter() : before_(live.load()) {
  peak = before_;
  largest_allocation = 0;
}
size_t AllocationMeter::largest() const { return largest_allocation.load(); }
size_t AllocationMeter::peak_live() const { return peak.load() - before_; }

}  // namespace spate
