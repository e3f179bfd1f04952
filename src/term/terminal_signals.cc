#include "term/terminal_signals.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/error.h"

namespace spate {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGCONT};

// A handler reaches nothing but globals.
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
std::atomic<int> g_interrupts{0};
std::atomic<int> g_ends{0};
std::atomic<bool> g_redraw{false};
std::array<int, 2> g_pipe = {-1, -1};
std::array<struct sigaction, kSignals.size()> g_before;
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void OnSignal(int signal) {
  const int saved = errno;
  if (signal == SIGINT) {
    g_interrupts.fetch_add(1);
  } else if (signal == SIGTERM || signal == SIGHUP) {
    if (g_ends.fetch_add(1) > 0) _exit(static_cast<int>(ErrorCode::kInterrupted));
  } else {
    g_redraw.store(true);
  }
  // A full pipe wakes as well as one byte more.
  [[maybe_unused]] const ssize_t written = write(g_pipe[1], "!", 1);
  errno = saved;
}

}  // namespace

TerminalSignals::TerminalSignals() {
  if (pipe2(g_pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    throw Error(ErrorCode::kEnvironment, "pipe: {}", std::strerror(errno));
  g_interrupts.store(0);
  g_ends.store(0);
  g_redraw.store(false);
  struct sigaction action {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;  // only poll() is meant to notice
  for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &action, &g_before[i]);
}

TerminalSignals::~TerminalSignals() {
  for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &g_before[i], nullptr);
  for (int& fd : g_pipe) {
    close(fd);
    fd = -1;
  }
}

int TerminalSignals::fd() const { return g_pipe[0]; }

void TerminalSignals::Drain() const {
  std::array<char, 64> bytes;
  while (read(g_pipe[0], bytes.data(), bytes.size()) > 0) {
  }
}

bool TerminalSignals::TakeInterrupt() { return g_interrupts.exchange(0) > 0; }
bool TerminalSignals::TakeRedraw() { return g_redraw.exchange(false); }
bool TerminalSignals::ended() const { return g_ends.load() > 0; }

}  // namespace spate
