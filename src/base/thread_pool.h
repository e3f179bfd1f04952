// ThreadPool: the compute threads of one CPU device, owned by it. One thread at a time calls Run: it becomes thread 0
// and the pool's workers are 1 ... threads - 1. Between Runs workers spin for at most 50 us and then sleep on a futex,
// so that a decode step finds them awake and an idle process uses no CPU. Run allocates nothing and takes no lock. A
// callable that throws ends the process: kernels are noexcept.
//
//   pool.Run([&](int thread) {
//     Norm(thread, pool.threads());
//     pool.Sync(thread);             // every thread of this Run has finished Norm
//     Project(thread, pool.threads());
//   });
//
// Room for others: thread 0 is the caller's own thread and is never pinned, and workers that sleep leave their cores to
// I/O threads. A server whose I/O threads are busy all the time asks for one thread less than there are cores.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "base/function_ref.h"

namespace spate {

// Hands out chunks of work to the threads of one Run. Its user resets it where no thread takes from it (before Run,
// or between two Syncs). always_inline: kernels of several instruction sets use it (base/half.h).
class alignas(64) ChunkCounter {
 public:
  [[gnu::always_inline]] void Reset() { next_.store(0, std::memory_order_relaxed); }
  [[gnu::always_inline]] int64_t Next() { return next_.fetch_add(1, std::memory_order_relaxed); }  // 0, 1, 2, ...

 private:
  std::atomic<int64_t> next_{0};
};

class ThreadPool {
 public:
  // `pin` ties each worker to a physical core of its own; it is obeyed only when `threads` is the number of physical
  // cores that this process may use (base/topology.h), else the kernel places threads better than we could.
  explicit ThreadPool(int threads, bool pin = false);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }
  bool pinned() const { return pinned_; }

  // fn(thread) on all threads at once; returns when all have returned, with their writes visible. CHECKs against a
  // Run inside a Run and against two callers.
  void Run(FunctionRef<void(int)> fn) noexcept;

  // A barrier among the threads of the current Run: all of them call it equally often. Writes before it are visible
  // to every thread after it.
  void Sync(int thread) noexcept;

  // fn(chunk_begin, chunk_end, thread) over [begin, end) in chunks of `grain`, cut at begin + i * grain, taken by
  // whoever is free. A single chunk runs on the caller alone.
  void ParallelFor(int64_t begin, int64_t end, int64_t grain, FunctionRef<void(int64_t, int64_t, int)> fn) noexcept;

 private:
  // A futex word, who sleeps on it, and a cache line for the two alone.
  struct alignas(64) WaitWord {
    std::atomic<uint32_t> value{0};
    std::atomic<uint32_t> sleepers{0};
  };

  void Work(int thread) noexcept;
  uint32_t WaitChange(WaitWord& word, uint32_t old) noexcept;  // spins, then sleeps; returns the new value
  void WaitZero(WaitWord& word) noexcept;
  void Claim() noexcept;
  void Release() noexcept;

  const int threads_;
  int64_t spin_ns_;  // 0 when there are more threads than CPUs: whoever spins then keeps another from working
  bool pinned_ = false;

  WaitWord epoch_;                                // one more with every Run
  WaitWord pending_;                              // workers that have not finished this Run
  WaitWord barrier_;                              // one more with every completed Sync
  alignas(64) std::atomic<uint32_t> arrived_{0};  // threads waiting in Sync
  alignas(64) std::atomic<bool> running_{false};
  const FunctionRef<void(int)>* job_ = nullptr;  // published by epoch_; nullptr = leave
  ChunkCounter chunks_;
  std::vector<std::thread> workers_;
};

}  // namespace spate
