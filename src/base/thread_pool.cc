#include "base/thread_pool.h"

#include <fmt/format.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>

#include "base/check.h"
#include "base/math_util.h"
#include "base/topology.h"

namespace spate {
namespace {

constexpr int64_t kSpinNs = 50'000;

// The spin loop reads the clock once in so many pauses: a pause takes 10 ... 50 ns, the clock about 25.
constexpr int kPausesPerClock = 32;

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void FutexWait(std::atomic<uint32_t>& word, uint32_t expected) {
  static_assert(sizeof(word) == sizeof(uint32_t));
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

void FutexWakeAll(std::atomic<uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

// Ends when `word` differs from `old` or the time is over; returns the last value seen.
uint32_t Spin(const std::atomic<uint32_t>& word, uint32_t old, int64_t spin_ns) {
  uint32_t value = word.load(std::memory_order_acquire);
  if (spin_ns == 0) return value;
  int64_t deadline = 0;
  while (value == old) {
    for (int i = 0; i < kPausesPerClock && value == old; ++i) {
      Pause();
      value = word.load(std::memory_order_acquire);
    }
    if (value != old) break;
    const int64_t now = NowNs();
    if (deadline == 0) deadline = now + spin_ns;
    if (now >= deadline) break;
  }
  return value;
}

// Signals that the whole process gets belong to the threads that handle them, not to a kernel in the middle of a step.
// Faults and profilers keep theirs.
class BlockSignals {
 public:
  BlockSignals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2, SIGCHLD, SIGALRM, SIGWINCH}) {
      sigaddset(&set, signal);
    }
    pthread_sigmask(SIG_BLOCK, &set, &before_);
  }
  ~BlockSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;

 private:
  sigset_t before_;
};

void PinTo(std::thread& thread, int cpu) {
  const size_t count = static_cast<size_t>(cpu) + 1;
  cpu_set_t* set = CPU_ALLOC(count);
  if (set == nullptr) return;
  CPU_ZERO_S(CPU_ALLOC_SIZE(count), set);
  CPU_SET_S(static_cast<size_t>(cpu), CPU_ALLOC_SIZE(count), set);
  // A refusal (the mask was narrowed meanwhile) costs speed only.
  pthread_setaffinity_np(thread.native_handle(), CPU_ALLOC_SIZE(count), set);
  CPU_FREE(set);
}

}  // namespace

ThreadPool::ThreadPool(int threads, bool pin) : threads_(threads) {
  CHECK(threads >= 1 && threads <= 4096, "{} threads", threads);
  if (threads == 1) {
    spin_ns_ = 0;
    return;
  }
  const CpuTopology topology = DetectTopology();
  spin_ns_ = threads <= topology.affinity ? kSpinNs : 0;
  pinned_ = pin && threads == topology.physical;

  const BlockSignals block;
  workers_.reserve(static_cast<size_t>(threads - 1));
  for (int thread = 1; thread < threads; ++thread) {
    workers_.emplace_back([this, thread] { Work(thread); });
    std::thread& worker = workers_.back();
    pthread_setname_np(worker.native_handle(), fmt::format("spate-{}", thread).c_str());
    if (pinned_) PinTo(worker, topology.cpus[static_cast<size_t>(thread)]);
  }
}

ThreadPool::~ThreadPool() {
  if (threads_ == 1) return;
  Claim();
  job_ = nullptr;
  epoch_.value.fetch_add(1, std::memory_order_seq_cst);
  FutexWakeAll(epoch_.value);
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::Claim() noexcept {
  CHECK(!running_.exchange(true, std::memory_order_acquire), "Run inside a Run, or from two threads at once");
}

void ThreadPool::Release() noexcept { running_.store(false, std::memory_order_release); }

void ThreadPool::Run(FunctionRef<void(int)> fn) noexcept {
  Claim();
  if (threads_ > 1) {
    job_ = &fn;
    pending_.value.store(static_cast<uint32_t>(threads_ - 1), std::memory_order_relaxed);
    // seq_cst, here and where a sleeper announces itself: either we see the sleeper or it sees the new epoch.
    epoch_.value.fetch_add(1, std::memory_order_seq_cst);
    if (epoch_.sleepers.load(std::memory_order_seq_cst) != 0) FutexWakeAll(epoch_.value);
    fn(0);
    WaitZero(pending_);
  } else {
    fn(0);
  }
  Release();
}

void ThreadPool::Work(int thread) noexcept {
  uint32_t epoch = 0;
  while (true) {
    epoch = WaitChange(epoch_, epoch);
    const FunctionRef<void(int)>* job = job_;
    if (job == nullptr) return;
    (*job)(thread);
    if (pending_.value.fetch_sub(1, std::memory_order_seq_cst) == 1 &&
        pending_.sleepers.load(std::memory_order_seq_cst) != 0) {
      FutexWakeAll(pending_.value);
    }
  }
}

uint32_t ThreadPool::WaitChange(WaitWord& word, uint32_t old) noexcept {
  uint32_t value = Spin(word.value, old, spin_ns_);
  if (value != old) return value;
  word.sleepers.fetch_add(1, std::memory_order_seq_cst);
  while ((value = word.value.load(std::memory_order_seq_cst)) == old) FutexWait(word.value, old);
  word.sleepers.fetch_sub(1, std::memory_order_relaxed);
  return value;
}

void ThreadPool::WaitZero(WaitWord& word) noexcept {
  uint32_t value = word.value.load(std::memory_order_acquire);
  while (value != 0) value = WaitChange(word, value);
}

void ThreadPool::Sync(int thread) noexcept {
  DCHECK(thread >= 0 && thread < threads_, "thread {} of {}", thread, threads_);
  static_cast<void>(thread);
  if (threads_ == 1) return;
  // The epoch cannot move before this thread has arrived, so it is read in time.
  const uint32_t epoch = barrier_.value.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 < static_cast<uint32_t>(threads_)) {
    WaitChange(barrier_, epoch);
    return;
  }
  arrived_.store(0, std::memory_order_relaxed);  // nobody arrives again before the epoch moves
  barrier_.value.store(epoch + 1, std::memory_order_seq_cst);
  if (barrier_.sleepers.load(std::memory_order_seq_cst) != 0) FutexWakeAll(barrier_.value);
}

void ThreadPool::ParallelFor(int64_t begin, int64_t end, int64_t grain,
                             FunctionRef<void(int64_t, int64_t, int)> fn) noexcept {
  CHECK(grain > 0, "grain {}", grain);
  if (end <= begin) return;
  const int64_t chunks = CeilDiv(end - begin, grain);
  if (chunks == 1 || threads_ == 1) {
    Claim();
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      const int64_t first = begin + chunk * grain;
      fn(first, first + std::min(grain, end - first), 0);
    }
    Release();
    return;
  }
  CHECK(!running_.load(std::memory_order_relaxed), "ParallelFor inside a Run");
  chunks_.Reset();
  Run([&](int thread) {
    for (int64_t chunk = chunks_.Next(); chunk < chunks; chunk = chunks_.Next()) {
      const int64_t first = begin + chunk * grain;
      fn(first, first + std::min(grain, end - first), thread);
    }
  });
}

}  // namespace spate
