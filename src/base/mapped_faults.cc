#include "base/mapped_faults.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <mutex>
#include <utility>

namespace spate {
namespace {

// All that the handler touches is lock-free, and what it does is system calls alone.
struct Slot {
  std::atomic<bool> taken{false};
  std::atomic<uintptr_t> begin{0};  // 0: not to be looked at
  std::atomic<uintptr_t> end{0};
  std::atomic<bool> faulted{false};
};
static_assert(std::atomic<uintptr_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

// A signal handler has nowhere else to look.
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
constinit std::array<Slot, 8192> g_slots;
constinit std::atomic<uintptr_t> g_page_bytes{0};
struct sigaction g_previous = {};
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

Slot* FindSlot(uintptr_t address) {
  for (Slot& slot : g_slots) {
    const uintptr_t begin = slot.begin.load(std::memory_order_acquire);
    if (begin != 0 && address >= begin && address < slot.end.load(std::memory_order_relaxed)) return &slot;
  }
  return nullptr;
}

// The rest of the mapping becomes zeros at once: the file has ended before, and a signal a page would take hours.
bool PutZeros(uintptr_t address, Slot& slot) {
  const uintptr_t page = g_page_bytes.load(std::memory_order_relaxed);
  const uintptr_t first = address / page * page;
  const uintptr_t end = slot.end.load(std::memory_order_relaxed);
  slot.faulted.store(true, std::memory_order_relaxed);
  // The bare system call: what wraps mmap (ThreadSanitizer) is not made for a handler, and would call it a write that
  // races with other readers. Several threads may do this at once: all of them put zeros where nothing is.
  constexpr long kProtection = PROT_READ, kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
  return syscall(SYS_mmap, first, end - first, kProtection, kFlags, -1L, 0L) != -1;
}

void OnBusError(int signal, siginfo_t* info, void* context) {
  const int saved = errno;
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  Slot* slot = info->si_code == BUS_ADRERR ? FindSlot(address) : nullptr;
  const bool repaired = slot != nullptr && PutZeros(address, *slot);
  errno = saved;
  if (repaired) return;
  if ((g_previous.sa_flags & SA_SIGINFO) != 0) return g_previous.sa_sigaction(signal, info, context);
  if (g_previous.sa_handler != SIG_DFL && g_previous.sa_handler != SIG_IGN) return g_previous.sa_handler(signal);
  sigaction(signal, &g_previous, nullptr);  // the same instruction faults again, and this time ends the process
}

void InstallOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    g_page_bytes = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    struct sigaction action = {};
    action.sa_sigaction = OnBusError;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, nullptr, &g_previous);  // first: the handler may be needed at once
    sigaction(SIGBUS, &action, nullptr);
  });
}

}  // namespace

MappedRange::MappedRange(std::span<const std::byte> mapping) {
  InstallOnce();
  for (size_t i = 0; i < g_slots.size(); ++i) {
    if (g_slots[i].taken.load(std::memory_order_relaxed) || g_slots[i].taken.exchange(true)) continue;
    const auto begin = reinterpret_cast<uintptr_t>(mapping.data());
    g_slots[i].faulted.store(false, std::memory_order_relaxed);
    g_slots[i].end.store(begin + mapping.size(), std::memory_order_relaxed);
    g_slots[i].begin.store(begin, std::memory_order_release);
    slot_ = static_cast<int>(i);
    return;
  }
}

MappedRange::MappedRange(MappedRange&& other) noexcept : slot_(std::exchange(other.slot_, -1)) {}

MappedRange& MappedRange::operator=(MappedRange&& other) noexcept {
  std::swap(slot_, other.slot_);
  return *this;
}

MappedRange::~MappedRange() {
  if (slot_ < 0) return;
  Slot& slot = g_slots[static_cast<size_t>(slot_)];
  slot.begin.store(0);
  slot.taken.store(false, std::memory_order_release);
}

bool MappedRange::faulted() const {
  return slot_ >= 0 && g_slots[static_cast<size_t>(slot_)].faulted.load(std::memory_order_relaxed);
}

}  // namespace spate
